/** Tells the process that keeps this one, if there is one, that it does its work now, and which build it runs. */
export function sayReady(build: string): void {
  process.send?.({ ready: build })
}

/** The build in such a message; undefined for any other. */
export function readyBuild(message: unknown): string | undefined {
  const { ready } = (message ?? {}) as { ready?: unknown }
  return typeof ready === 'string' ? ready : undefined
}
