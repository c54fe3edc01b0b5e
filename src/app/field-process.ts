import { OWN_POINTS_MS } from "../config/point-table.ts";
import type { PlantEvent } from "../domain/event.ts";
import { type Answer, RequestServer } from "../link/request-server.ts";
import { RoundProducer } from "../link/round-producer.ts";
import { socketPath } from "../link/socket-paths.ts";
import { fieldStreamsForControl } from "./control-streams.ts";
import { AlarmFeed } from "./alarm-feed.ts";
import { linkStatus } from "./link-status.ts";
import { OrderGivers } from "./order-givers.ts";
import { every } from "./every.ts";
import { OwnPoints } from "./own-points.ts";
import { CpuMeter, type Role, runTogether } from "./role.ts";
import { RoundTap } from "./round-tap.ts";
import { South } from "./south.ts";
import { obeyLetGo, obeyOrder } from "./write-orders.ts";

/** How often field looks whether control is there. */
const ORDERS_LOOK_MS = 500;

/** gateway-field: every device that the control loop does not need. */
export async function runField(role: Role, signal: AbortSignal): Promise<void> {
  const { context, clock, log, watchdog, random, epoch } = role;
  const { runtimeDirectory, table } = context;
  const producer = new RoundProducer({
    socketPath: socketPath(runtimeDirectory, "field/rounds"),
    role: "field",
    epoch,
    tableHash: table.hash,
    tableSize: table.points.length,
    clock,
    streamsFor: new Map([["control", fieldStreamsForControl(context)]]),
    onStored: (seqs) => {
      south.stored(seqs);
    },
  });
  const south: South = new South({ context, role: "field", clock, random });
  const alarms = new AlarmFeed(clock, epoch);
  const tell = (event: PlantEvent): void => {
    log.info({ event: event.id, device: event.device, phase: event.phase }, event.text);
    alarms.take(event);
    producer.postEvent(event);
  };
  const tap = new RoundTap(context, south.devices, {
    onRound: (round) => {
      producer.postRound(round);
    },
    onEvent: tell,
  });
  const givers = new OrderGivers(clock.now());
  const orders = new RequestServer({
    socketPath: socketPath(runtimeDirectory, "field/orders"),
    methods: new Map<string, Answer>([
      [
        "write",
        async ({ params, signal: gone }) => obeyOrder({ south, table, givers }, params, gone),
      ],
      ["let-go", async ({ params }) => Promise.resolve(obeyLetGo({ south, table }, params))],
    ]),
  });
  const told = new RequestServer({
    socketPath: socketPath(runtimeDirectory, "field/alarms"),
    methods: alarms.answers,
  });
  // Not on the socket of the orders: field takes who is there for control, and lets go without it.
  const local = new RequestServer({
    socketPath: socketPath(runtimeDirectory, "field/local"),
    methods: new Map([["links", async () => Promise.resolve(linkStatus(context, south))]]),
  });
  try {
    await runTogether(signal, async (stop) => {
      await producer.listen(stop);
      await orders.listen(stop);
      await told.listen(stop);
      await local.listen(stop);
      log.info({ event: "started", devices: south.devices.length, epoch }, "field runs");
      watchdog.ready();
      return [
        south.run({ emit: tap.emit, onEvent: tell }, stop),
        reportOwnPoints({ role, south, producer }, stop),
        watchOrders({ role, orders, givers }, stop),
      ];
    });
  } finally {
    watchdog.stopping();
    await producer.closed();
  }
}

/** Lets devices go when control, which gave the orders for them, is gone. */
async function watchOrders(
  parts: {
    readonly role: Role;
    readonly orders: RequestServer;
    readonly givers: OrderGivers;
  },
  signal: AbortSignal,
): Promise<void> {
  const { orders, givers } = parts;
  const { clock, log } = parts.role;
  await every(clock, ORDERS_LOOK_MS, signal, () => {
    const count = givers.look(orders.counters().connections, clock.now());
    if (count > 0) log.warn({ event: "let-go", devices: count }, "control is gone: setpoints end");
  });
}

async function reportOwnPoints(
  parts: { readonly role: Role; readonly south: South; readonly producer: RoundProducer },
  signal: AbortSignal,
): Promise<void> {
  const { role, south, producer } = parts;
  const { clock, watchdog } = role;
  const own = new OwnPoints(role.context, "field", clock);
  const cpu = new CpuMeter(clock);
  await every(clock, OWN_POINTS_MS, signal, () => {
    const loads = [...south.pool.loads().values()];
    const sum = (pick: (link: (typeof loads)[number]) => number): number =>
      loads.reduce((total, link) => total + pick(link), 0);
    producer.postRound(
      own.round({
        "x-requests": sum(({ counters }) => counters.requests),
        "x-timeouts": sum(({ counters }) => counters.timeouts),
        "x-busiest-bus": 100 * Math.max(0, ...loads.map(({ load }) => load.busy)),
        "x-cpu": cpu.percent(),
      }),
    );
    watchdog.feed();
  });
}
