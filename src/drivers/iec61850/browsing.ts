import { DirectoryBudget, DirectoryParts } from "../../wire/mms/directory.ts";
import type { NameClass, NameScope } from "../../wire/mms/request.ts";
import { refusalError, responseOf } from "./answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { CallTerms, DirectoryEntry } from "./engine.ts";

/**
 * Everything that a device names, part by part as it answers: the reader decides how fast, and a
 * device without end is stopped.
 *
 * @throws WireError too-many-elements or directory-endless; GatewayError DEVICE_EXCEPTION
 */
export async function* browse(
  dialogue: Dialogue,
  budget: DirectoryBudget,
  terms: CallTerms,
): AsyncGenerator<DirectoryEntry, void, undefined> {
  const devices: string[] = [];
  const listing = { dialogue, budget, terms };
  for await (const names of listParts(listing, "domain", { of: "device" })) devices.push(...names);
  for (const ld of devices) {
    yield { kind: "logical-device", ld };
    const scope = { of: "domain", domain: ld } as const;
    for await (const names of listParts(listing, "variable", scope)) {
      for (const item of names) yield { kind: "variable", ld, item };
    }
    for await (const names of listParts(listing, "variable-list", scope)) {
      for (const item of names) yield { kind: "data-set", ld, item };
    }
  }
}

interface Listing {
  readonly dialogue: Dialogue;
  readonly budget: DirectoryBudget;
  readonly terms: CallTerms;
}

async function* listParts(
  listing: Listing,
  nameClass: NameClass,
  scope: NameScope,
): AsyncGenerator<readonly string[], void, undefined> {
  const parts = new DirectoryParts(listing.budget);
  let continueAfter: string | undefined;
  let told = 0;
  do {
    const answer = await listing.dialogue.request(
      { service: "getNameList", class: nameClass, scope, continueAfter },
      listing.terms,
    );
    const response = responseOf(answer, "getNameList");
    if (response === undefined) {
      // A device without data sets may refuse to list them.
      if (nameClass === "variable-list" || answer.answer === "response") return;
      throw refusalError(answer);
    }
    continueAfter = parts.add(response);
    const { names } = parts;
    yield names.slice(told);
    told = names.length;
  } while (continueAfter !== undefined);
}
