import type { AlarmProcessing } from "../domain/alarms/processing.ts";
import type { Severity } from "../domain/event.ts";

/** Rules are asked for with every event; there are few. */
export function remembered(
  rules: (id: string, severity: Severity) => AlarmProcessing,
): (id: string, severity: Severity) => AlarmProcessing {
  const known = new Map<string, AlarmProcessing>();
  return (id, severity) => {
    const name = `${severity} ${id}`;
    const rule = known.get(name) ?? rules(id, severity);
    // Ids are those of the catalogue and of the site's profiles: the list is closed.
    known.set(name, rule);
    return rule;
  };
}
