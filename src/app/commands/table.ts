import type { CommandSpec } from "../terminal.ts";

const CONFIG = { config: "text" } as const;

/** Every command; what a command needs is loaded only when it runs. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    words: "demo",
    usage: "[--seconds N] [--mqtt-port P] [--data-dir D] [--preset p] [--steady]",
    summary: "plant, broker and gateway on this machine",
    options: {
      seconds: "text",
      "mqtt-port": "text",
      "base-port": "text",
      "data-dir": "text",
      preset: "text",
      steady: "flag",
    },
    run: async (call) => (await import("../demo/run.ts")).demo(call),
  },
  {
    words: "run",
    usage: "--config site.yaml",
    summary: "all processes of the gateway, without systemd",
    options: CONFIG,
    run: async (call) => (await import("./roles.ts")).runGateway(call),
  },
  ...(["control", "field", "services"] as const).map((name): CommandSpec => ({
    words: name,
    usage: "--config site.yaml",
    summary: `the process gateway-${name} alone`,
    options: CONFIG,
    run: async (call) => (await import("./roles.ts")).roleCommand(name)(call),
  })),
  {
    words: "simulate",
    usage:
      "--config site.yaml [--preset p] [--load mode] [--scene n] [--seed n] [--plant plant.yaml]",
    summary: "every device of the site as a real server",
    options: {
      ...CONFIG,
      preset: "text",
      load: "text",
      scene: "text",
      seed: "text",
      plant: "text",
    },
    run: async (call) => (await import("./simulate.ts")).simulate(call),
  },
  {
    words: "status",
    usage: "--config site.yaml",
    summary: "what the gateway knows of itself",
    options: CONFIG,
    run: async (call) => (await import("./status.ts")).status(call),
  },
  {
    words: "points",
    usage: "[filter] --config site.yaml [--once]",
    summary: "every point with quality and age",
    options: { ...CONFIG, once: "flag" },
    run: async (call) => (await import("./status.ts")).points(call),
  },
  {
    words: "events",
    usage: "--config site.yaml [--last N]",
    summary: "what happened",
    options: { ...CONFIG, last: "text" },
    run: async (call) => (await import("./status.ts")).events(call),
  },
  {
    words: "reset",
    usage: "<trip|all> --config site.yaml [--by name]",
    summary: "reset a trip whose cause is gone",
    options: { ...CONFIG, by: "text" },
    run: async (call) => (await import("./status.ts")).reset(call),
  },
  {
    words: "config check",
    usage: "<file>",
    summary: "everything that is wrong with a site file",
    options: CONFIG,
    run: async (call) => (await import("./config.ts")).configCheck(call),
  },
  {
    words: "config schema",
    usage: "",
    summary: "the JSON Schema of the site file",
    options: {},
    run: async (call) => (await import("./config.ts")).configSchema(call),
  },
  {
    words: "config sample",
    usage: "",
    summary: "a site file to begin with",
    options: {},
    run: async (call) => (await import("./config.ts")).configSample(call),
  },
  ...(["list", "show", "check", "test"] as const).map((verb): CommandSpec => ({
    words: `profile ${verb}`,
    usage: verb === "list" ? "" : "<name|file>…",
    summary: {
      list: "the device profiles that are there",
      show: "one profile, resolved, as the gateway uses it",
      check: "everything that is wrong with a profile",
      test: "the test vectors of a profile",
    }[verb],
    options: {},
    run: async (call) => (await import("./profile.ts")).profileCommand(verb, call),
  })),
  {
    words: "store audit",
    usage: "[--broker url] [--seconds N] [--topic t] [--ack] [--from-start]",
    summary: "certify what a subscriber gets",
    options: {
      broker: "text",
      seconds: "text",
      topic: "text",
      client: "text",
      ack: "flag",
      clean: "flag",
      progress: "flag",
      "from-start": "flag",
    },
    run: async (call) => (await import("./store-audit.ts")).storeAudit(call),
  },
  {
    words: "errors",
    usage: "",
    summary: "every error code with its meaning",
    options: {},
    run: async (call) => (await import("./errors.ts")).errors(call),
  },
];
