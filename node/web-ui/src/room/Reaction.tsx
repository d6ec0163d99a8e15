import { useEffect, useState } from 'react';
import type { Participant } from '../meeting/messages';
import classes from './Tile.module.css';

const SHOWN_MS = 5_000;

/** Shows itself for a moment when it is new; clocks of the server and here need not agree for that. */
export function Reaction({ reaction }: { reaction: Participant['reaction'] }) {
  const [past, setPast] = useState(reaction?.at ?? null);
  const at = reaction?.at ?? null;
  useEffect(() => {
    if (at === null) return;
    const timer = setTimeout(() => setPast(at), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [at]);
  if (!reaction || reaction.at === past) return null;
  return (
    <span key={reaction.at} className={classes.reaction} role="img" aria-label={reaction.text}>
      {reaction.text}
    </span>
  );
}
