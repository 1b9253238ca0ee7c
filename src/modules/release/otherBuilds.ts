import type { Running } from './goOver.ts'

/** The processes that run another build than `build`, in words that tell nothing else of them. */
export const otherBuilds = (running: readonly Running[], build: string): string[] =>
  [
    ...new Set(running.filter((one) => one.build !== build).map((one) => `${one.kind} runs ${one.build}`)),
  ].sort()
