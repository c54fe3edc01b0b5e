import { isSiteOrder, type SiteOrder } from "../../simulator/scenes.ts";
import type { SceneEvent } from "../../simulator/simulation.ts";

/** One line for a person about what a scene does. */
export function sceneLine(event: SceneEvent, timeS: number): string {
  return `${clockText(timeS)} ${textOf(event)}`;
}

function textOf(event: SceneEvent): string {
  if (event.kind === "step") {
    const { order } = event.step;
    if (isSiteOrder(order)) return `${siteOrderText(order)} (the demonstration does this)`;
    const problem = event.problem === undefined ? "" : `: ${event.problem}`;
    return `${JSON.stringify(order)}${problem}`;
  }
  if (event.kind === "warning") return `warning: ${event.text}`;
  const { number, title, waitsFor } = event.scene;
  if (event.kind === "ends") return `scene ${number} is over`;
  const waits = waitsFor === undefined ? "" : ` (the gateway's full answer needs the ${waitsFor})`;
  return `scene ${number}: ${title}${waits}`;
}

function siteOrderText(order: SiteOrder): string {
  if (typeof order === "string") return order;
  return `command: discharge ${order.dischargeW / 1e6} MW for ${order.leaseS} s`;
}

/** One line for a person about an order that somebody gave and that was done. */
export function orderLine(order: unknown, timeS: number): string {
  return `${clockText(timeS)} ${JSON.stringify(order)}`;
}

function clockText(timeS: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `${two(timeS / 3600)}:${two((timeS % 3600) / 60)}:${two(timeS % 60)}`;
}
