import type { Severity } from "../event.ts";

/** Every id by the gravest severity that it is told with; each id of the catalogue stands once. */
export const SEVERITIES: Readonly<Record<Severity, readonly string[]>> = {
  trip: words(`
    battery-trip battery-over-voltage battery-under-voltage temperature-imbalance-trip
    battery-insulation-fault operator-stop goose-safe-state goose-loss-stop emergency-stop
    insulation-fault dc-over-voltage pcs-over-temperature leak-confirmed coolant-flow-lost
    coolant-hot two-phase-trip heat-isolated cooling-latches-unreadable latches-unreadable
    fault-repeated hvil-open door-open fire-alarm smoke-alarm gas-alarm gas-warning
    protection-relay
  `),
  critical: words(`
    battery-communication battery-under-temperature charge-current-high discharge-current-high
    soc-below-minimum soc-above-maximum contactor-fault battery-other-alarm
    battery-configuration-alarm station-health storage-fault pcs-fault goose-lost leak row-leak
    cdu-low-flow supply-hot return-hot meter-lost grid-loss ride-through self-test-failed
    battery-silent shed-requested shed-unconfirmed coolant-heating cooling-unknown
    phase-change-inadequate on-battery ups-battery-low ups-over-temperature battery-disconnected
    ups-overload ups-overload-heavy
    charger-fault overload-shutdown bypass-overload-shutdown latches-not-saved rounds-lost
    store-corrupt
  `),
  warning: words(`
    battery-hot battery-cold charge-current-warning discharge-current-warning battery-voltage-high
    battery-voltage-low soc-low soc-high voltage-imbalance temperature-imbalance current-imbalance
    battery-fan-fault battery-door-open battery-other-warning battery-configuration-warning
    unit-silent unit-does-not-follow setpoint-differs second-writer write-refused
    envelope-clamped reserve-reached battery-budget smoothing-off battery-does-not-follow
    schedule-clipped announcement-broken
    level-low cdu-pump-no-flow chw-hot chiller-fault meter-frozen meter-mismatch feeder-mismatch
    import-limit-exceeded ramp-breach ramp-not-guaranteed cap-unachievable grid-resonance
    voltage-event frequency-unknown pcs-under-temperature ac-disconnected dc-disconnected
    grid-disconnected cabinet-open over-frequency under-frequency ac-over-voltage ac-under-voltage
    string-fuse-blown settings-lost manufacturer-alarm shed-advised leak-suspected
    leak-sensor-lost coolant-flow-low dew-point dew-point-unknown pressure-derate heat-short
    cooling-write-refused coolant-guard coolant-sensor-lost coolant-sensors-few
    coolant-sensors-apart ups-on-bypass bypass-voltage bypass-frequency
    battery-maintenance no-communication values-frozen store-level producer-restarted
    upstream-lost producer-not-heard services-gone
    desk-restarted links-lost alarm-flood alarms-not-saved alarms-unreadable
    charge-blocked discharge-blocked unit-derated sensor-deviates sensor-lost recorder-gap
    shadow-writes
  `),
  info: words(`
    local-mode lease-expired smoothing-rests loop-delay announcement-ended trip-reset
    frequency-answer local-order daily-report alarm-acknowledged alarm-shelved alarm-unshelved
  `),
};

const BY_ID: ReadonlyMap<string, Severity> = new Map(
  Object.entries(SEVERITIES).flatMap(([severity, ids]) =>
    ids.map((id) => [id, severity as Severity] as const),
  ),
);

/** Undefined for an id that only a site's own profile tells. */
export function gravestSeverity(id: string): Severity | undefined {
  return BY_ID.get(id);
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
