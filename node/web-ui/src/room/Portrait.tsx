import { colorOf, initialsOf } from '../ui/Face';
import classes from './Tile.module.css';

/** Somebody without a picture: initials on a calm colour that stays theirs. Its name stands beside it. */
export function Portrait({ name, size }: { name: string; size: number }) {
  const color = colorOf(name);
  return (
    <span
      className={classes.portrait}
      aria-hidden
      style={{
        width: size,
        height: size,
        fontSize: size * 0.38,
        background: `color-mix(in srgb, var(--mantine-color-${color}-9) 62%, #101620)`,
        color: `var(--mantine-color-${color}-1)`,
      }}
    >
      {initialsOf(name)}
    </span>
  );
}
