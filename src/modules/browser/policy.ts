import { randomBytes } from 'node:crypto'

/** Makes the number used once that a page's own scripts carry. A test may replace it. */
export interface Nonces {
  make(): string
}

/** Nonces made from one call of the random number generator. */
const AT_ONCE = 256

/** 128 random bits (CSP3 §7.1), each handed out once. */
export function openNonces(): Nonces {
  let bytes = Buffer.alloc(0)
  return {
    make() {
      if (bytes.length === 0) bytes = randomBytes(16 * AT_ONCE)
      const nonce = bytes.toString('base64', 0, 16)
      bytes = bytes.subarray(16)
      return nonce
    },
  }
}

/**
 * Content-Security-Policy level 3 of one answer: scripts run that carry the nonce, and what those load; nothing inline;
 * text becomes script or markup only through a Trusted Types policy named `surety`.
 */
export const policyOf = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types surety',
  ].join('; ')

/** Beside the headers that every answer has. */
export const BROWSER_HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Not `no-referrer`: that makes a browser send `Origin: null` with our own forms (Fetch §3.2).
  'referrer-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=(), publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'x-frame-options': 'DENY',
} as const
