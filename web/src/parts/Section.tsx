import { type ReactNode, useId } from 'react'

/** A part of a page with a heading of its own. */
export function Section(props: { title: string; lead: string; actions?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <section className="part" aria-labelledby={id}>
      <div className="heading">
        <div>
          <h2 id={id}>{props.title}</h2>
          <p className="lead">{props.lead}</p>
        </div>
        {props.actions}
      </div>
      {props.children}
    </section>
  )
}
