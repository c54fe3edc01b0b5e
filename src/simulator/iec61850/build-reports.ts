import type { Clock } from "../../domain/time.ts";
import type { Alarms } from "./alarms.ts";
import type { Client } from "./client.ts";
import type { DataSet } from "./data-set.ts";
import type { DataSets } from "./data-sets.ts";
import type { IedModel, LogicalNodeModel, ReportBlockModel } from "./model.ts";
import { ReportAccess } from "./report-access.ts";
import { ReportBlock, type ReportSettings } from "./report-block.ts";
import type { ReportField } from "./report-fields.ts";
import { type Domain, instanceNames, invalid } from "./tree.ts";
import type { Variable } from "./variable.ts";

export interface ReportsTerms {
  readonly model: IedModel;
  readonly domains: ReadonlyMap<string, Domain>;
  readonly dataSets: DataSets;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly firstEntry: number;
  readonly isOccupied: () => boolean;
}

const ENTRIES_MAX = 1000;
const CONFIGURATION_REVISION = 1;
/** What blocks say and tell unless their model says otherwise. */
const OPTIONS = [
  "sequence-number",
  "report-time",
  "reason",
  "data-set",
  "configuration-revision",
] as const;
const BUFFERED_OPTIONS = [...OPTIONS, "buffer-overflow", "entry-id"] as const;
const TRIGGERS = ["data-change", "quality-change", "integrity", "general-interrogation"] as const;

/** The report blocks of a model, behind their variables. */
export function buildReports(terms: ReportsTerms): readonly ReportAccess[] {
  return terms.model.logicalDevices.flatMap((device) =>
    device.logicalNodes.flatMap((node) =>
      (node.reports ?? []).flatMap((model) =>
        instanceNames(model.name, model.instances).map((name) =>
          blockOf(terms, model, { domain: device.name, node, name }),
        ),
      ),
    ),
  );
}

interface Place {
  readonly domain: string;
  readonly node: LogicalNodeModel;
  readonly name: string;
}

function blockOf(terms: ReportsTerms, model: ReportBlockModel, place: Place): ReportAccess {
  const { domain, node, name } = place;
  const item = `${node.name}$${model.isBuffered ? "BR" : "RP"}$${name}`;
  const variable = terms.domains.get(domain)?.find(item);
  if (variable === undefined) throw invalid("a report block has no variable", item);
  const reference = `${domain}/${item}`;
  const block = new ReportBlock({
    reference,
    isBuffered: model.isBuffered,
    entriesMax: model.bufferedEntriesMax ?? ENTRIES_MAX,
    configurationRevision: model.configurationRevision ?? CONFIGURATION_REVISION,
    settings: settingsOf(terms.dataSets, model, { reference, node: `${domain}/${node.name}` }),
    clock: terms.clock,
    alarms: terms.alarms,
    firstEntry: terms.firstEntry,
  });
  const access = new ReportAccess({
    block,
    isOccupied: terms.isOccupied,
    findDataSet: (wanted: string, client: Client) => terms.dataSets.find(wanted, client),
  });
  for (const field of variable.members) bind(field, access);
  return access;
}

function settingsOf(
  dataSets: DataSets,
  model: ReportBlockModel,
  { reference, node }: { readonly reference: string; readonly node: string },
): ReportSettings {
  return {
    reportId: model.reportId ?? reference,
    dataSet: dataSetOf(dataSets, model, node),
    options: new Set(model.options ?? (model.isBuffered ? BUFFERED_OPTIONS : OPTIONS)),
    triggers: new Set(model.triggers ?? TRIGGERS),
    bufferTimeMs: model.bufferTimeMs ?? 0,
    integrityPeriodMs: model.integrityPeriodMs ?? 0,
  };
}

function bind(variable: Variable, access: ReportAccess): void {
  const field = variable.name as ReportField;
  variable.follow(() => access.read(field));
  variable.special = { write: (client, value) => access.write(field, value, client) };
}

function dataSetOf(
  dataSets: DataSets,
  { dataSet }: ReportBlockModel,
  node: string,
): DataSet | undefined {
  if (dataSet === undefined) return undefined;
  const found = dataSets.ofModel(`${node}$${dataSet}`);
  if (found === undefined)
    throw invalid("a report block has a data set that is not there", dataSet);
  return found;
}
