/** Where a command writes and how it shows progress. */
export interface CommandOutput {
  /** One line for the reader. */
  line(text: string): void
  /** Progress of long work; `total` 0 when not known yet. Overwrites itself on a terminal. */
  progress(done: number, total: number, what: string): void
}

/** One command of the CLI: `surety <name> …`. */
export interface Command {
  /** Words as typed: `festival import`. */
  name: string
  summary: string
  /** commander notation: `'<file>'`, `'[slug]'`. */
  arguments?: readonly { name: string; summary: string }[]
  /** commander notation: `'--tenant <slug>'`. */
  options?: readonly { flags: string; summary: string; required?: boolean }[]
  /** Throws a Problem to fail; its detail is printed and the exit code is 1. */
  run(
    input: { arguments: readonly string[]; options: Readonly<Record<string, string | boolean | undefined>> },
    output: CommandOutput,
  ): Promise<void>
}

/** What a module gives beside its api when it adds to the CLI. */
export interface GivesCommands {
  commands?: readonly Command[]
}
