/** Every place that a run passes at which a worker can be killed, in the order of the run (see runtime/fail-point.ts). */
export const FAIL_POINTS: readonly string[] = []
