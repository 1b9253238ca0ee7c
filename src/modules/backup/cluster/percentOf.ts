/** Makes a reader of pgBackRest's lines that tells every tenth of the bytes once, as `restored 10 %`. */
export function percentOf(done: string, onStep: (step: string) => void): (line: string) => void {
  let told = 0
  return (line) => {
    const percent = Number(/, (\d+)\.\d+%\)/.exec(line)?.[1] ?? 0)
    if (percent < told + 10) return
    told = percent
    onStep(`${done} ${percent} %`)
  }
}
