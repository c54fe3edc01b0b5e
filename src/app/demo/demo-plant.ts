import { type ChildProcess, fork } from "node:child_process";
import { GatewayError } from "../../domain/errors.ts";
import type { PlantOrder } from "../../simulator/orders.ts";
import type { PlantSnapshot } from "../../simulator/plant.ts";
import type { SiteOrder } from "../../simulator/scenes.ts";
import { cliFile } from "../commands/roles.ts";

interface PlantMessage {
  readonly ready?: boolean;
  readonly snapshot?: PlantSnapshot;
  readonly siteOrder?: SiteOrder;
}

export interface PlantEars {
  readonly onSnapshot: (snapshot: PlantSnapshot) => void;
  /** A scene asks for what the plant cannot do. */
  readonly onSiteOrder: (order: SiteOrder) => void;
  /** It could not do what it was told, or worse. */
  readonly onProblem: (text: string) => void;
  readonly onEnd: () => void;
}

/** The simulated devices of the demonstration, as a process of their own. */
export class DemoPlant {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /**
   * Resolves when every device is up.
   *
   * @throws GatewayError PORT_IN_USE when it ends instead: it says why itself
   */
  static async start(
    options: { readonly siteFile: string; readonly preset: string },
    ears: PlantEars,
  ): Promise<DemoPlant> {
    const { siteFile, preset } = options;
    const args = ["simulate", "--config", siteFile, "--preset", preset, "--load", "mean"];
    const child = fork(cliFile(), args, {
      execArgv: process.execArgv,
      stdio: ["pipe", "pipe", "pipe", "ipc"],
    });
    // What it says to people is not for us, but has to be read.
    child.stdout?.resume();
    // Written to the terminal it would tear the picture.
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split("\n")) if (line.trim() !== "") ears.onProblem(line.trim());
    });
    const plant = new DemoPlant(child);
    await new Promise<void>((resolve, reject) => {
      child.on("message", (message) => {
        const { ready, snapshot, siteOrder } = message as PlantMessage;
        if (ready === true) resolve();
        if (snapshot !== undefined) ears.onSnapshot(snapshot);
        if (siteOrder !== undefined) ears.onSiteOrder(siteOrder);
      });
      child.once("exit", (code) => {
        reject(new GatewayError("PORT_IN_USE", { process: "simulate", status: code ?? -1 }));
        ears.onEnd();
      });
    });
    return plant;
  }

  order(order: PlantOrder): void {
    if (this.#child.connected) this.#child.send(order);
  }

  stop(): void {
    this.#child.kill("SIGTERM");
  }
}
