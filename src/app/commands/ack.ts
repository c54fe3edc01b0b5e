import type { CommandCall, ExitStatus } from "../terminal.ts";
import { alarmName, orderDesk, whoAsks } from "./alarm-orders.ts";

/**
 * `ack <id> [device]` or `ack all`: a person takes note of alarms. Resets nothing: what is active
 * stays in the list.
 */
export async function acknowledge(call: CommandCall): Promise<ExitStatus> {
  const [id, device] = call.positionals;
  if (id === undefined || (id === "all" && device !== undefined)) {
    call.terminal.err("ack needs the id of an alarm and perhaps its device, or all; see alarms");
    return 2;
  }
  const params = { id, device, by: whoAsks(call) };
  return orderDesk(call, { method: "ack", params, what: alarmName(id, device) }, ({ count }) => {
    const many = count === 1 ? "1 alarm is" : `${count ?? 0} alarms are`;
    return `${many} acknowledged; what is active stays in the list`;
  });
}
