import { type ReactNode, useEffect, useRef } from 'react'

/** The heading of a page. It takes the focus, so that a reader who hears the page knows that it changed. */
export function Page(props: { title: string; lead?: string; actions?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${props.title} · Surety`
    heading.current?.focus()
  }, [props.title])
  return (
    <>
      <div className="heading">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {props.title}
          </h1>
          {props.lead && <p className="lead">{props.lead}</p>}
        </div>
        {props.actions}
      </div>
      {props.children}
    </>
  )
}

/** A page of a visitor who is not all the way in yet: one thing to do, in the middle. */
export function Door(props: { title: string; lead?: string; children: ReactNode }) {
  return (
    <main id="content" className="door">
      <Page title={props.title} lead={props.lead ?? ''}>
        {props.children}
      </Page>
    </main>
  )
}
