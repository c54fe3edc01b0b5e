import type { LinkStatus } from "../link-status.ts";
import type { LinkRow } from "./demo-state.ts";
import type { PointReading } from "./plant-line.ts";

/** Rates are taken over this time: at one request in four seconds, less would show noise. */
const WINDOW_MS = 10_000;

/** Makes rows of what each connection counts, with requests per second. */
export class LinkRates {
  readonly #before: { readonly atMs: number; readonly requests: ReadonlyMap<string, number> }[] =
    [];

  rows(
    nowMs: number,
    links: readonly LinkStatus[],
    points: ReadonlyMap<string, PointReading>,
  ): readonly LinkRow[] {
    const requests = new Map(links.map((link) => [link.connection, link.requests]));
    this.#before.push({ atMs: nowMs, requests });
    while ((this.#before[0]?.atMs ?? nowMs) < nowMs - WINDOW_MS) this.#before.shift();
    const [oldest] = this.#before;
    const ages = newestAges(points);
    return links.map(({ requests: count, ...link }): LinkRow => {
      const first = oldest?.requests.get(link.connection);
      const passedMs = nowMs - (oldest?.atMs ?? nowMs);
      const isKnown = first !== undefined && passedMs > 0 && count >= first;
      const known = link.devices.map((id) => ages.get(id)).filter((age) => age !== undefined);
      return {
        ...link,
        requestsPerS: isKnown ? (1_000 * (count - first)) / passedMs : null,
        ageMs: known.length === 0 ? null : Math.min(...known),
      };
    });
  }
}

/** Age of the newest good value of each device. */
function newestAges(points: ReadonlyMap<string, PointReading>): Map<string, number> {
  const ages = new Map<string, number>();
  for (const { id, quality, ageMs } of points.values()) {
    if (quality !== "good" || id.endsWith("/link-up")) continue;
    const device = id.slice(0, id.indexOf("/"));
    ages.set(device, Math.min(ages.get(device) ?? Infinity, ageMs));
  }
  return ages;
}
