/** Tells password managers whose password a form is about, where the person does not type it. */
export function Username({ email }: { email: string }) {
  // Not of type "hidden": those are not looked at.
  return <input type="text" name="username" value={email} autoComplete="username" readOnly hidden />
}
