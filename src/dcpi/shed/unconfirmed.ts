import type { StandingShed } from "../../domain/shed.ts";
import { ALL, type ShedOrder } from "./orders.ts";

/** Workloads that one sentence names; of more it says how many. */
const NAMED_MAX = 5;
const W_PER_MW = 1e6;

/**
 * What was asked of whom, who did not answer, and what happens next without anybody's help.
 *
 * @param orders of the zone
 * @param open those of them that are not answered in time, or that nobody took
 * @param confirmedW what goes by those that are answered, W
 */
export function unconfirmedWords(
  shed: StandingShed,
  orders: readonly ShedOrder[],
  { open, confirmedW }: { readonly open: readonly ShedOrder[]; readonly confirmedW: number },
): string {
  const { zone, powerW } = shed;
  const unsent = open.filter(({ progress }) => progress === "waiting");
  const failed = open.filter(({ progress, workload }) => progress === "failed" && workload !== ALL);
  const toAll = orders.find(({ workload }) => workload === ALL);
  const parts = [
    `${megawatts(powerW)} have to leave the racks of ${zone}, and ` +
      `${megawatts(confirmedW)} of it are confirmed`,
    ...(failed.length === 0 ? [] : [`no answer from ${listed(failed)}`]),
    ...(toAll === undefined
      ? []
      : [`${megawatts(toAll.savesW)} are asked of all, for no known workload gives them`]),
    ...(unsent.length === 0 ? [] : ["no broker takes the orders"]),
    "the gateway goes on asking and keeps the coolant as well as its mode allows",
  ];
  return parts.join("; ");
}

function listed(orders: readonly ShedOrder[]): string {
  const named = orders
    .slice(0, NAMED_MAX)
    .map(({ workload, action, savesW }) => `${workload} (${action}, ${megawatts(savesW)})`);
  const more = orders.length - named.length;
  return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}

function megawatts(powerW: number): string {
  return `${(powerW / W_PER_MW).toFixed(2)} MW`;
}
