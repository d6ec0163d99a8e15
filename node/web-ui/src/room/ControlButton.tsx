import { Kbd, Tooltip } from '@mantine/core';
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import classes from './Controls.module.css';

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  label: string;
  icon: ReactNode;
  shortcut?: string;
  /** Something of one's own that others do not get now. */
  off?: boolean;
  /** Something that is on for a while: a hand, a share, an open panel. */
  on?: boolean;
  danger?: boolean;
  count?: number;
  countLabel?: string;
  /** Stands before the count. */
  mark?: string;
  /** The count waits for an answer. */
  urgent?: boolean;
  /** The narrow half of a pair. */
  caret?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** One button of the control bar; its name is its tooltip. */
export function ControlButton(props: Props) {
  const {
    label,
    icon,
    shortcut,
    off,
    on,
    danger,
    count,
    countLabel,
    mark,
    urgent,
    caret,
    className,
    ref,
    ...rest
  } = props;
  return (
    <Tooltip
      disabled={rest['aria-expanded'] === true}
      label={
        <>
          {label} {shortcut && <Kbd size="xs">{shortcut}</Kbd>}
        </>
      }
    >
      <button
        ref={ref}
        type="button"
        className={[classes.button, className].filter(Boolean).join(' ')}
        data-off={off || undefined}
        data-on={on || undefined}
        data-danger={danger || undefined}
        data-caret={caret || undefined}
        aria-label={count && countLabel ? `${label} (${countLabel})` : label}
        {...rest}
      >
        {icon}
        {!!count && (
          <span className={classes.count} data-urgent={urgent || undefined} aria-hidden>
            {mark}
            {count > 99 ? '99+' : count}
          </span>
        )}
      </button>
    </Tooltip>
  );
}
