/**
 * The texts by which a secret is recognised: itself, and inside hexadecimal and base64, at each of the three places that
 * it can have between the bytes of something longer.
 */
export function formsOf(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret)
  const inBase64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url')
    // Characters that also hold bits of what stands beside the secret are left out.
    const start = Math.ceil((before * 4) / 3)
    return text.slice(start, Math.floor(((before + bytes.length) * 4) / 3))
  })
  const standard = inBase64.map((text) => text.replaceAll('-', '+').replaceAll('_', '/'))
  return [...new Set([bytes.toString('latin1'), bytes.toString('hex'), ...inBase64, ...standard])]
}
