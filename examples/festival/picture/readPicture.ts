import { imageSize } from 'image-size'

/** Runs in the sandbox: what kind of picture it is and how large, or null when it is none. */
export default function readPicture(bytes: Uint8Array) {
  try {
    const { type, width, height } = imageSize(bytes)
    return { type, width, height }
  } catch {
    return null
  }
}
