import { ActionIcon, CloseButton, Group, Title } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { ChatPanel } from './ChatPanel';
import { useMeetingText } from './context';
import { PeoplePanel } from './PeoplePanel';
import type { RoomControls } from './controls';
import classes from './Room.module.css';

export type PanelName = 'people' | 'chat';

/** Beside the stage, one at a time. */
export function Panel(props: { name: PanelName; close: () => void; controls: RoomControls }) {
  const { t } = useMeetingText();
  const [searching, search] = useState(false);
  const title = t(props.name === 'people' ? 'bar.people' : 'bar.chat');
  return (
    <aside className={classes.panel} aria-label={title}>
      <div className={classes.panelHead}>
        <Title order={2} size="h3">
          {title}
        </Title>
        <Group gap={4} wrap="nowrap">
          {props.name === 'chat' && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label={t('chat.search')}
              aria-pressed={searching}
              onClick={() => search(!searching)}
            >
              <IconSearch size={18} aria-hidden />
            </ActionIcon>
          )}
          <CloseButton size="lg" aria-label={t('common:action.close')} onClick={props.close} />
        </Group>
      </div>
      {props.name === 'people' ? (
        <PeoplePanel controls={props.controls} />
      ) : (
        <ChatPanel
          divider={props.controls.chat.divider}
          searching={searching}
          endSearch={() => search(false)}
        />
      )}
    </aside>
  );
}
