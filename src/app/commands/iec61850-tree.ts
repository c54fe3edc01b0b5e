import { formatReference } from "../../wire/mms/names.ts";
import type {
  BrowsedDataSet,
  BrowsedDevice,
  BrowsedLeaf,
  BrowsedNode,
  BrowsedObject,
  BrowsedReport,
} from "./iec61850-model.ts";
import { typeText, valueJson, valueText } from "./iec61850-text.ts";

const PATH_WIDTH = 26;
const TYPE_WIDTH = 12;

/** Fields of a report block that say what it is for. */
const REPORT_FIELDS: readonly string[] = [
  "DatSet",
  "RptID",
  "RptEna",
  "ConfRev",
  "IntgPd",
  "Owner",
];

/** The model as an indented tree: device, node, object, value. */
export function treeLines(devices: readonly BrowsedDevice[]): readonly string[] {
  return devices.flatMap(({ name, nodes }) => [name, ...nodes.flatMap(nodeLines)]);
}

function nodeLines({ name, objects, dataSets, reports }: BrowsedNode): readonly string[] {
  return [
    `  ${name}`,
    ...objects.flatMap(objectLines),
    ...dataSets.map(dataSetLine),
    ...reports.map(reportLine),
  ];
}

function objectLines({ name, control, leaves }: BrowsedObject): readonly string[] {
  const head = control === undefined ? name : `${name}  control: ${control}`;
  return [`    ${head}`, ...leaves.map(leafLine)];
}

function leafLine({ fc, path, type, value }: BrowsedLeaf): string {
  const shown = value === undefined ? "" : valueText(value, path.at(-1) ?? "");
  const columns = [path.join(".").padEnd(PATH_WIDTH), typeText(type).padEnd(TYPE_WIDTH), shown];
  return `      [${fc}] ${columns.join(" ")}`.trimEnd();
}

function dataSetLine({ name, members }: BrowsedDataSet): string {
  const list = members?.map(memberText).join(", ") ?? "the device does not tell its members";
  return `    data set ${name}: ${list}`;
}

function memberText({ name, reference }: NonNullable<BrowsedDataSet["members"]>[number]): string {
  return reference === undefined ? name : formatReference(reference);
}

function reportLine({ name, isBuffered, fields }: BrowsedReport): string {
  const told = fields.flatMap(({ path, value }): string[] => {
    const field = path[0] ?? "";
    if (value === undefined || !REPORT_FIELDS.includes(field)) return [];
    return [`${field} ${valueText(value, field)}`];
  });
  const kind = isBuffered ? "buffered" : "unbuffered";
  return `    report ${name} (${kind})${told.length === 0 ? "" : `: ${told.join(", ")}`}`;
}

/** The same for programs. */
export function modelJson(devices: readonly BrowsedDevice[]): unknown {
  return devices.map(({ name, nodes }) => ({
    name,
    nodes: nodes.map((node) => ({
      name: node.name,
      objects: node.objects.map((object) => ({
        name: object.name,
        ...(object.control === undefined ? {} : { control: object.control }),
        values: object.leaves.map(leafJson),
      })),
      dataSets: node.dataSets.map((set) => ({
        name: set.name,
        members: set.members?.map(memberText) ?? null,
      })),
      reports: node.reports.map((report) => ({
        name: report.name,
        buffered: report.isBuffered,
        fields: report.fields.map(leafJson),
      })),
    })),
  }));
}

function leafJson({ fc, path, type, value }: BrowsedLeaf): unknown {
  return {
    path: path.join("."),
    fc,
    type: typeText(type),
    ...(value === undefined ? {} : { value: valueJson(value, path.at(-1) ?? "") }),
  };
}
