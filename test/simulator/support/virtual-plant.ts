import { strict as assert } from "node:assert";
import { SimulatedDevice } from "../../../src/simulator/device.ts";
import { parseFaultOrder } from "../../../src/simulator/faults.ts";
import type { PlantOrder } from "../../../src/simulator/orders.ts";
import { beatPcs, commandPcs } from "../../../src/simulator/physics/pcs.ts";
import { DEMO_PLANT, Plant, type PlantSettings } from "../../../src/simulator/plant.ts";
import type { SimulationDevice } from "../../../src/simulator/simulation.ts";
import { ScenePlayer } from "../../../src/simulator/scene-player.ts";
import { isSiteOrder, type Scene } from "../../../src/simulator/scenes.ts";
import { demoSite } from "./shipped-profiles.ts";

const SEED = 20_261_121;
const STEP_S = 0.01;

/** A plant with its devices in virtual time: no sockets, no clock. */
export class VirtualPlant {
  readonly plant: Plant;
  readonly devices: ReadonlyMap<string, SimulatedDevice>;

  constructor(
    settings: PlantSettings = DEMO_PLANT,
    site: readonly SimulationDevice[] = demoSite(),
  ) {
    const devices = site.map(
      ({ id, profile, unitId, nominal }) => new SimulatedDevice({ id, profile, unitId, nominal }),
    );
    this.devices = new Map(devices.map((device) => [device.id, device]));
    this.plant = new Plant(settings, devices, { preset: "d95", seed: SEED });
    this.plant.startAt(0);
  }

  device(id: string): SimulatedDevice {
    const device = this.devices.get(id);
    assert.ok(device !== undefined, `no device ${id}`);
    return device;
  }

  /** A number point of a device, as its registers mean it. */
  read(id: string, point: string): number {
    return this.device(id).readNumber(point, Number.NaN);
  }

  /** The text of an enum point. */
  state(id: string, point: string): string | undefined {
    const { profile } = this.device(id);
    const texts = profile.points.find((each) => each.id === point)?.texts;
    return texts?.[this.read(id, point)];
  }

  run(seconds: number, dtS = STEP_S, visit: (step: number) => void = () => undefined): void {
    for (let step = 1; step <= Math.round(seconds / dtS); step += 1) {
      this.plant.step(dtS);
      visit(step);
    }
  }

  obey(order: PlantOrder): void {
    if ("device" in order) {
      const parsed = parseFaultOrder(order);
      assert.ok(!("problem" in parsed));
      this.device(parsed.device).setFault(parsed.fault, this.plant.state.timeS * 1000);
      return;
    }
    assert.equal(this.plant.order(order), undefined);
  }

  /** Both batteries do what somebody tells them, who is there. */
  drive(powerW: number): void {
    for (const { pcs } of this.plant.state.bess) {
      beatPcs(pcs);
      commandPcs(pcs, this.plant.parameters.bess, powerW);
    }
  }

  /**
   * Plays a scene from its start; orders to the site are left to others. Spans above a second are
   * fast-forwarded.
   */
  play(scene: Scene, dtS: number, visit: (step: number) => void): void {
    this.plant.begin(scene.start);
    const player = ScenePlayer.of(scene, this.plant.state.timeS);
    for (let step = 1; !player.isOver(this.plant.state.timeS); step += 1) {
      for (;;) {
        const due = player.take(this.plant.state.timeS);
        if (due === undefined) break;
        if (!isSiteOrder(due.order)) this.obey(due.order);
      }
      if (dtS <= 1) this.plant.step(dtS);
      else this.plant.fastForward(dtS);
      visit(step);
    }
  }
}
