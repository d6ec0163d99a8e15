import { ActionIcon, CloseButton, Group, Text, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconSearch } from '@tabler/icons-react';
import type { KeyboardEvent } from 'react';
import classes from './Chat.module.css';
import { useMeetingText } from './context';
import type { ChatSearching } from './useChatSearch';

/** What is sought, how many messages have it, and the way from one to the next. */
export function ChatSearch({ search, close }: { search: ChatSearching; close: () => void }) {
  const { t } = useMeetingText();
  const { text, hits, place, asks, go } = search;
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowUp: -1, ArrowDown: 1, Enter: event.shiftKey ? 1 : -1 }[event.key];
    if (step) {
      event.preventDefault();
      go(step);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    }
  };
  const count = hits.length;
  const hit = hits[place];
  return (
    <div role="search" className={classes.search}>
      <TextInput
        aria-label={t('chat.search')}
        placeholder={t('chat.search')}
        leftSection={<IconSearch size={16} aria-hidden />}
        maxLength={100}
        data-autofocus
        autoFocus
        value={text}
        onChange={(event) => search.seek(event.currentTarget.value)}
        onKeyDown={press}
      />
      <Group gap={4} wrap="nowrap" mih={36}>
        <Text size="sm" c="dimmed" flex={1} role="status">
          {text.trim() !== '' &&
            (hit ? t('chat.hit', { place: place + 1, count }) : t(asks ? 'chat.searching' : 'chat.noHit'))}
          {hit && <span className={classes.unseen}>{`, ${hit.name}: ${hit.text}`}</span>}
        </Text>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={t('chat.earlierHit')}
          disabled={place <= 0}
          onClick={() => go(-1)}
        >
          <IconChevronUp size={18} aria-hidden />
        </ActionIcon>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label={t('chat.laterHit')}
          disabled={place < 0 || place >= count - 1}
          onClick={() => go(1)}
        >
          <IconChevronDown size={18} aria-hidden />
        </ActionIcon>
        <CloseButton size={36} aria-label={t('chat.searchEnd')} onClick={close} />
      </Group>
    </div>
  );
}
