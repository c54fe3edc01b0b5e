import { readFile } from "node:fs/promises";
import { type Problem, problemLine } from "../../config/problem.ts";
import { SAMPLE_SITE } from "../../config/sample.ts";
import { SiteConfig } from "../../config/schema.ts";
import { siteFilePage } from "../../config/schema-page.ts";
import { controlPlan } from "../control-settings.ts";
import { inspectSite } from "../site-check.ts";
import { sizingLines } from "../site-sizing.ts";
import { contextOf } from "../site-context.ts";
import { GatewayError } from "../../domain/errors.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";

/**
 * `config check <file>`: everything wrong with a site file; touches no device and no network.
 * Exit status: 0 valid, 1 not valid, 2 the file cannot be read.
 */
export async function configCheck(call: CommandCall): Promise<ExitStatus> {
  const file = call.positionals[0] ?? textOption(call, "config");
  const { terminal } = call;
  if (file === undefined) {
    terminal.err("config check needs the name of a site file");
    return 2;
  }
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    terminal.err(`${file}: ${(error as Error).message}`);
    return 2;
  }
  const { problems, warnings, sizing } = findProblems(text, file);
  const ok = problems.length === 0;
  if (hasFlag(call, "json")) terminal.out(JSON.stringify({ file, ok, problems, warnings, sizing }));
  else {
    for (const problem of problems) terminal.err(problem);
    for (const warning of warnings) terminal.err(`warning: ${warning}`);
    if (ok) terminal.out(`${file}: ok`);
    for (const line of sizing) terminal.out(line);
  }
  return ok ? 0 : 1;
}

interface CheckLines {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** What the battery guarantees; none while the file is not valid. */
  readonly sizing: readonly string[];
}

function findProblems(text: string, file: string): CheckLines {
  const { site, problems, warnings } = inspectSite(text, file);
  const lineOf = (problem: Problem): string => problemLine(file, problem);
  const lines = { problems: problems.map(lineOf), warnings: warnings.map(lineOf), sizing: [] };
  if (site === undefined) return lines;
  try {
    const plan = controlPlan(contextOf(site, file));
    return plan === undefined || problems.length > 0
      ? lines
      : { ...lines, sizing: sizingLines(plan) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { ...lines, problems: [`${file}:1:1: ${error.message}`] };
  }
}

/** `config schema`: the JSON Schema of the site file for editors, or its keys for people. */
export async function configSchema(call: CommandCall): Promise<ExitStatus> {
  const isPage = hasFlag(call, "markdown");
  call.terminal.out(isPage ? siteFilePage().trimEnd() : JSON.stringify(SiteConfig, undefined, 2));
  return Promise.resolve(0);
}

/** `config sample`: a site file to begin with. */
export async function configSample(call: CommandCall): Promise<ExitStatus> {
  call.terminal.out(SAMPLE_SITE.trimEnd());
  return Promise.resolve(0);
}
