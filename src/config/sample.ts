/**
 * A small site to begin with, as `dcpi-gateway config sample` prints it: a grid meter, a battery
 * and a chiller. It passes `config check` as it stands.
 */
export const SAMPLE_SITE = `# Site file of dcpi-gateway. Power in kW, energy in kWh, times in ms.
# Check it with: dcpi-gateway config check site.yaml
site: my-site
gateway: gw-1

mqtt:
  brokers: # tried in this order
    - url: mqtt://127.0.0.1:1883
  unsignedCommands: refuse

store:
  directory: data # relative to this file
  quotaMiB: 2048

connections:
  grid: { protocol: modbus-tcp, host: 192.0.2.10, port: 502 }
  bess-1: { protocol: modbus-tcp, host: 192.0.2.11, port: 502 }
  chiller-1: { protocol: modbus-tcp, host: 192.0.2.12, port: 502 }

devices:
  # What the control loop needs runs in process control, everything else in field.
  - { id: grid-meter, profile: janitza/umg604, connection: grid, process: control }
  - { id: bess-1, profile: sunspec/der-storage, connection: bess-1, process: control }
  - { id: chiller-1, profile: vertiv/liebert-hpc, connection: chiller-1 }

control:
  periodMs: 50
  grid:
    meter: grid-meter
    importLimitKw: 10000
    peakCapKw: 9000 # the battery covers what is above
    rampUpKwPerS: 50
    rampDownKwPerS: 50
  batteries:
    - id: battery
      units: [bess-1]
      socReservePercent: 30
      rampKwPerS: 5000
      unitCapacityKwh: 10000

# A setpoint without an entry here cannot be written by anybody.
envelope:
  - {
      device: bess-1,
      point: active-power-setpoint,
      minimum: -5000,
      maximum: 5000,
      unit: kW,
      beyond: clamp,
    }
  # A trip stops the battery by the first; its reset clears the battery's own alarms by the second.
  - { device: bess-1, point: run-command, minimum: 0, maximum: 1, unit: "1" }
  - { device: bess-1, point: alarm-reset, minimum: 0, maximum: 1, unit: "1" }
`;
