/** What one contender did over all rounds. */
export interface Figures {
  name: string
  /** Milliseconds. */
  median: number
  p99: number
  /** Calls a second. */
  throughput: number
}

const ROUNDS = 6
const ROUND_MS = 700

/**
 * Lets the contenders take turns, so that what else the machine does meets all of them alike. Each keeps `clients` calls
 * under way. The first is the one that the others are compared with.
 */
export async function compare(
  contenders: Readonly<Record<string, () => Promise<unknown>>>,
  clients: number,
): Promise<Figures[]> {
  const seen = new Map(Object.keys(contenders).map((name) => [name, { times: [] as number[], elapsed: 0 }]))
  for (const call of Object.values(contenders)) await round(call, clients, 200)
  for (let i = 0; i < ROUNDS; i++) {
    for (const [name, call] of Object.entries(contenders)) {
      const { times, elapsed } = await round(call, clients, ROUND_MS)
      const all = seen.get(name) as { times: number[]; elapsed: number }
      for (const time of times) all.times.push(time)
      all.elapsed += elapsed
    }
  }
  return [...seen].map(([name, { times, elapsed }]) => {
    times.sort((a, b) => a - b)
    return {
      name,
      median: times[Math.floor(times.length / 2)] as number,
      p99: times[Math.floor(times.length * 0.99)] as number,
      throughput: (times.length / elapsed) * 1000,
    }
  })
}

async function round(call: () => Promise<unknown>, clients: number, forMs: number) {
  const times: number[] = []
  const began = performance.now()
  const client = async () => {
    while (performance.now() - began < forMs) {
      const start = performance.now()
      await call()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { times, elapsed: performance.now() - began }
}

/** Runs `work` `times` times, one after the other; milliseconds of each, sorted. */
export async function timeEach(times: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    await work(i)
    taken.push(performance.now() - start)
  }
  return taken.sort((a, b) => a - b)
}

export type Print = (line: string) => void

/** Prints figures as a table, each with its ratio to the first. */
export function printFigures(print: Print, title: string, figures: readonly Figures[]): void {
  const [first] = figures
  print(`\n${title}`)
  print(
    `  ${''.padEnd(34)}${'p50 ms'.padStart(9)}${'x'.padStart(7)}${'p99 ms'.padStart(9)}${'x'.padStart(7)}${'calls/s'.padStart(10)}${'x'.padStart(7)}`,
  )
  for (const { name, median, p99, throughput } of figures) {
    const ratio = (of: 'median' | 'p99' | 'throughput', value: number) =>
      (value / (first?.[of] ?? value)).toFixed(2).padStart(7)
    print(
      `  ${name.padEnd(34)}${median.toFixed(3).padStart(9)}${ratio('median', median)}${p99.toFixed(3).padStart(9)}${ratio('p99', p99)}${Math.round(throughput).toString().padStart(10)}${ratio('throughput', throughput)}`,
    )
  }
}
