/** Tells what came of what it was given. */
export default ({ bytes, at, words }: { bytes: Uint8Array; at: Date; words: Map<string, number> }) => ({
  sum: bytes.reduce((sum, byte) => sum + byte, 0),
  year: at.getFullYear(),
  words: [...words],
})
