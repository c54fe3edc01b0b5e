import { pointerPart } from "../wire/json/reader.ts";
import type { ProblemList } from "./problems.ts";
import type { Profile } from "./schema.ts";

const ALARM_TEXT_MAX = 60;
const IP_ADDRESS = /\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/;
const HOST = /\b[a-z0-9-]+\.(local|lan|internal|home)\b/i;
const SECRET = /\b(password|passphrase|api[ _-]?key|token)\s*[:=]/i;
const SERIAL_NUMBER = /\b(s\/n|serial (number|no\.?))\s*[:=]?\s*[A-Z0-9-]*\d/i;

const FORBIDDEN: readonly (readonly [pattern: RegExp, what: string])[] = [
  [IP_ADDRESS, "an IP address"],
  [HOST, "the name of a host"],
  [SECRET, "a secret"],
  [SERIAL_NUMBER, "a serial number"],
];

/** Rules 5, 15, 21 and 22: sources, open questions, private facts, alarm texts. */
export function lintTexts(profile: Profile, problems: ProblemList): void {
  lintSources(profile, problems);
  lintAlarms(profile, problems);
  walk(profile, "", (text, path) => {
    if (path.startsWith("/sources")) return;
    for (const [pattern, what] of FORBIDDEN) {
      if (pattern.test(text)) problems.add(path, `a profile never holds ${what}`, 21);
    }
    if (path.endsWith("/verify") && profile.status !== "draft") {
      const message = `open questions make a profile a draft, not ${profile.status}`;
      problems.add(path, message, 15);
    }
  });
}

function lintSources(profile: Profile, problems: ProblemList): void {
  const check = (source: string | undefined, path: string): void => {
    if (source !== undefined && profile.sources[source] === undefined) {
      problems.add(`${path}/source`, `there is no source "${source}"`, 5);
    }
  };
  profile.points.forEach((line, index) => {
    const path = `/points/${index}`;
    if (line.source === undefined) problems.add(path, `"${line.point}" has no source`, 5);
    check(line.source, path);
  });
  for (const [name, line] of Object.entries(profile.keepAlive ?? {})) {
    check(line.source, `/keepAlive/${name}`);
  }
  profile.alarms?.forEach((line, index) => {
    check(line.source, `/alarms/${index}`);
  });
}

function lintAlarms(profile: Profile, problems: ProblemList): void {
  const ids = new Set<string>();
  const check = (entry: { readonly id?: string; readonly text?: string }, path: string): void => {
    if (entry.id === undefined) return;
    if (ids.has(entry.id)) problems.add(path, `two alarms have the id "${entry.id}"`, 22);
    ids.add(entry.id);
    if (entry.text === undefined) problems.add(path, `the alarm "${entry.id}" has no text`, 22);
    else if (entry.text.length > ALARM_TEXT_MAX) {
      const message = `the text of "${entry.id}" has more than ${ALARM_TEXT_MAX} characters`;
      problems.add(`${path}/text`, message, 22);
    }
  };
  profile.alarms?.forEach((line, index) => {
    const path = `/alarms/${index}`;
    check(line, path);
    for (const key of ["bits", "values"] as const) {
      for (const [name, entry] of Object.entries(line[key] ?? {})) {
        check(entry, `${path}/${key}${pointerPart(name)}`);
      }
    }
  });
}

function walk(value: unknown, path: string, visit: (text: string, path: string) => void): void {
  if (typeof value === "string") {
    visit(value, path);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) walk(member, path + pointerPart(key), visit);
}
