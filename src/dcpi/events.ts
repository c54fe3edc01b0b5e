import type { PlantEvent } from "../domain/event.ts";
import { documentHead, encodeDocument, type Speaker } from "./document.ts";

/** End of the topic under which an event goes north: `evt/warning`. */
export function eventTopic(event: PlantEvent): string {
  return `evt/${event.severity}`;
}

/** @param sequence of the event in this run of the gateway; two events never share one */
export function eventDocument(speaker: Speaker, event: PlantEvent, sequence: number): Uint8Array {
  return encodeDocument({
    ...documentHead(speaker, "event", event.at, `event-${event.at}-${sequence}`),
    event_id: event.id,
    severity: event.severity,
    phase: event.phase,
    device: event.device ?? null,
    point: event.point ?? null,
    text: event.text,
  });
}
