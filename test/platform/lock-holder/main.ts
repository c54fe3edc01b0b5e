import { becomeSingleInstance } from "../../../src/platform/single-instance.ts";

/** Takes the lock given, says so, and holds it until it is killed or its input ends. */
try {
  becomeSingleInstance(process.argv[2] ?? "");
  process.stdout.write("held\n");
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`);
  process.exitCode = 2;
}
