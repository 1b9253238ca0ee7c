import pc from 'picocolors'
import { defineProblem } from '../kernel/problems.ts'
import { withPlatform } from './tenant.ts'

const badCommand = defineProblem({ code: 'command', status: 400, title: 'It cannot be run like this' })

/** Runs a module's command by name, or lists all of them. */
export function runCommand(name: string | undefined, args: readonly string[]): Promise<void> {
  return withPlatform(async ({ commands }) => {
    if (!name) {
      for (const { name, takes, description } of commands)
        console.log(
          `${[name, ...takes.map((one) => `<${one}>`)].join(' ').padEnd(40)} ${pc.dim(description)}`,
        )
      return
    }
    const command = commands.find((one) => one.name === name)
    if (!command) throw badCommand(`No module has a command "${name}"; \`surety run\` lists them.`)
    if (args.length !== command.takes.length)
      throw badCommand(`It takes: ${command.takes.map((one) => `<${one}>`).join(' ')}.`)
    await command.run(args, (line) => console.log(line))
  })
}
