import { CloseButton, Title } from '@mantine/core';
import { ChatPanel } from './ChatPanel';
import { useMeetingText } from './context';
import { PeoplePanel } from './PeoplePanel';
import type { RoomControls } from './controls';
import classes from './Room.module.css';

export type PanelName = 'people' | 'chat';

/** Beside the stage, one at a time. */
export function Panel(props: { name: PanelName; close: () => void; controls: RoomControls }) {
  const { t } = useMeetingText();
  const title = t(props.name === 'people' ? 'bar.people' : 'bar.chat');
  return (
    <aside className={classes.panel} aria-label={title}>
      <div className={classes.panelHead}>
        <Title order={2} size="h3">
          {title}
        </Title>
        <CloseButton size="lg" aria-label={t('common:action.close')} onClick={props.close} />
      </div>
      {props.name === 'people' ? (
        <PeoplePanel controls={props.controls} />
      ) : (
        <ChatPanel divider={props.controls.chat.divider} />
      )}
    </aside>
  );
}
