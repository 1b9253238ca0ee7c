/** One thing that an operator can do from the command line: `surety run <name> …`. */
export interface ModuleCommand {
  /** Unique over all modules: `lineup:import`. */
  name: string
  /** The arguments by name, such as `['tenant', 'file']`; all are needed. */
  takes: readonly string[]
  description: string
  /** `print` shows a line; a thrown Problem is shown and makes the exit code 1. */
  run(args: readonly string[], print: (line: string) => void): Promise<void>
}

/** What a module gives beside its api when it has commands. */
export interface GivesCommands {
  commands?: readonly ModuleCommand[]
}
