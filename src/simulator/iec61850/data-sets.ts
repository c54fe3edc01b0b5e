import { formatDataSetName, parseDataSetName } from "../../wire/mms/names.ts";
import type { ObjectName } from "../../wire/mms/object-name.ts";
import type { Client } from "./client.ts";
import type { DataSet, DataSetMember } from "./data-set.ts";
import type { IedModel } from "./model.ts";
import { type Domain, invalid, memberOf } from "./tree.ts";

/** Data sets that one association may define, and members in one of them. */
export const CLIENT_DATA_SETS_MAX = 16;
export const DATA_SET_MEMBERS_MAX = 1000;

/** The data sets of the model, and those that clients define for as long as they are there. */
export class DataSets {
  readonly #ofModel = new Map<string, DataSet>();
  readonly #ofClients = new Map<Client, Map<string, DataSet>>();

  /** @throws GatewayError CONFIG_INVALID for a member that the model does not have */
  constructor(model: IedModel, domains: ReadonlyMap<string, Domain>) {
    for (const device of model.logicalDevices) {
      for (const node of device.logicalNodes) {
        for (const { name, members } of node.dataSets ?? []) {
          const whole = `${device.name}/${node.name}$${name}`;
          this.#ofModel.set(whole, {
            name: whole,
            members: members.map((text) => memberIn(domains, text, device.name)),
          });
        }
      }
    }
  }

  /** `DCPIBESS1/LLN0$dsMeas`, or `@name` for one of the client. */
  find(name: string, client: Client): DataSet | undefined {
    const parsed = parseDataSetName(name);
    return parsed === undefined ? undefined : this.named(parsed, client);
  }

  /** One that the model has, whoever asks. */
  ofModel(name: string): DataSet | undefined {
    return this.#ofModel.get(name);
  }

  named(name: ObjectName, client: Client): DataSet | undefined {
    if (name.scope === "device") return undefined;
    const text = formatDataSetName(name);
    return name.scope === "association"
      ? this.#ofClients.get(client)?.get(text)
      : this.#ofModel.get(text);
  }

  /** Names of those of a domain, without the domain. */
  namesIn(domain: string): readonly string[] {
    const start = `${domain}/`;
    return [...this.#ofModel.keys()]
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length));
  }

  namesOf(client: Client): readonly string[] {
    return [...(this.#ofClients.get(client)?.keys() ?? [])].map((name) => name.slice(1));
  }

  /** @returns false when the client has too many already, or one with this name */
  define(item: string, members: readonly DataSetMember[], client: Client): boolean {
    const own = this.#ofClients.get(client) ?? new Map<string, DataSet>();
    const name = `@${item}`;
    if (own.size >= CLIENT_DATA_SETS_MAX || own.has(name)) return false;
    if (members.length === 0 || members.length > DATA_SET_MEMBERS_MAX) return false;
    own.set(name, { name, members });
    this.#ofClients.set(client, own);
    return true;
  }

  delete(item: string, client: Client): boolean {
    return this.#ofClients.get(client)?.delete(`@${item}`) ?? false;
  }

  lost(client: Client): void {
    this.#ofClients.delete(client);
  }
}

function memberIn(domains: ReadonlyMap<string, Domain>, text: string, home: string): DataSetMember {
  const { domain, item } = memberOf(text, home);
  const variable = domains.get(domain)?.find(item);
  if (variable === undefined) throw invalid("a data set has a member that is not there", text);
  return { domain, variable };
}
