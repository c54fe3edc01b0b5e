import { readFile } from "node:fs/promises";
import { parseSite } from "../../config/load.ts";
import { problemLine } from "../../config/problem.ts";
import { SAMPLE_SITE } from "../../config/sample.ts";
import { SiteConfig } from "../../config/schema.ts";
import { controlPlan } from "../control-settings.ts";
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
  const problems = findProblems(text, file);
  if (hasFlag(call, "json"))
    terminal.out(JSON.stringify({ file, ok: problems.length === 0, problems }));
  else if (problems.length === 0) terminal.out(`${file}: ok`);
  else for (const problem of problems) terminal.err(problem);
  return problems.length === 0 ? 0 : 1;
}

function findProblems(text: string, file: string): string[] {
  const parsed = parseSite(text);
  if ("problems" in parsed) return parsed.problems.map((problem) => problemLine(file, problem));
  try {
    controlPlan(contextOf(parsed.site, file));
    return [];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return [`${file}:1:1: ${error.message}`];
  }
}

/** `config schema`: the JSON Schema of the site file, for editors. */
export async function configSchema(call: CommandCall): Promise<ExitStatus> {
  call.terminal.out(JSON.stringify(SiteConfig, undefined, 2));
  return Promise.resolve(0);
}

/** `config sample`: a site file to begin with. */
export async function configSample(call: CommandCall): Promise<ExitStatus> {
  call.terminal.out(SAMPLE_SITE.trimEnd());
  return Promise.resolve(0);
}
