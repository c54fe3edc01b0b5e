import { RoundConsumer } from "../link/round-consumer.ts";
import { socketPath } from "../link/socket-paths.ts";
import type { PointImage } from "../points/image.ts";
import type { Role } from "./role.ts";

/** The points of the other process that controllers and envelopes name. */
export async function followField(
  role: Pick<Role, "context" | "clock" | "log" | "random">,
  image: Pick<PointImage, "post">,
  signal: AbortSignal,
): Promise<void> {
  const { context, clock, log, random } = role;
  const { table, runtimeDirectory } = context;
  const consumer = new RoundConsumer({
    socketPath: socketPath(runtimeDirectory, "field/rounds"),
    role: "control",
    mode: "live",
    tableHash: table.hash,
    tableSize: table.points.length,
    clock,
    random,
    resume: () => undefined,
    onFrame: (frame) => {
      for (const item of frame.items) {
        if (item.kind === "round" && item.round.isHistory !== true) image.post(item.round);
      }
    },
    onGap: () => undefined,
    onState: (state) => {
      const facts = { event: "field-link", state: state.state };
      if (state.state === "lost") log.warn(facts, `no link to field: ${state.error.message}`);
      else log.info(facts, "link to field is up");
    },
  });
  await consumer.run(signal);
}
