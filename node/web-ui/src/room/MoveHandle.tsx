import { Menu } from '@mantine/core';
import { IconArrowLeft, IconArrowRight, IconArrowsMove, IconRotate } from '@tabler/icons-react';
import type { Participant } from '../meeting/messages';
import { useMeetingText } from './context';
import classes from './Tile.module.css';

/** How one puts a picture elsewhere, for oneself. */
export interface Moving {
  move(person: Participant, by: number): void;
  /** To the place of another one. */
  moveTo(id: string, other: string): void;
  /** As they came. */
  reset(): void;
}

/** What a dragged tile carries. */
export const DRAGGED = 'application/x-plenary-participant';

const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Dragged, moved by arrow keys, or by a menu: whoever can do one of these. */
export function MoveHandle({ person, moving }: { person: Participant; moving: Moving }) {
  const { t } = useMeetingText();
  return (
    <Menu withInitialFocusPlaceholder={false} position="bottom-end" shadow="md" width={220}>
      <Menu.Target>
        <button
          type="button"
          className={classes.move}
          draggable
          aria-label={t('order.move', { name: person.name })}
          title={t('order.hint')}
          onDragStart={(event) => {
            event.dataTransfer.setData(DRAGGED, person.id);
            event.dataTransfer.effectAllowed = 'move';
          }}
          onKeyDown={(event) => {
            const by = KEYS[event.key];
            if (by === undefined || event.currentTarget.getAttribute('aria-expanded') === 'true') return;
            event.preventDefault();
            event.stopPropagation();
            moving.move(person, by);
          }}
        >
          <IconArrowsMove aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconArrowLeft size={16} aria-hidden />}
          onClick={() => moving.move(person, -1)}
        >
          {t('order.earlier')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconArrowRight size={16} aria-hidden />}
          onClick={() => moving.move(person, 1)}
        >
          {t('order.later')}
        </Menu.Item>
        <Menu.Item leftSection={<IconRotate size={16} aria-hidden />} onClick={moving.reset}>
          {t('order.reset')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
