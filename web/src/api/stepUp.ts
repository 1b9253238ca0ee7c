/** Shows the question; resolves to whether the person answered it. */
type Ask = () => Promise<boolean>

let ask: Ask | null = null
let asked: Promise<boolean> | null = null

/** Says who shows the question; the returned function ends that. */
export function askBy(shown: Ask): () => void {
  ask = shown
  return () => {
    ask = null
  }
}

/** Asks the person to show once more that it is them: once, however many requests wait for it. */
export function stepUp(): Promise<boolean> {
  asked ??= (ask?.() ?? Promise.resolve(false)).finally(() => {
    asked = null
  })
  return asked
}
