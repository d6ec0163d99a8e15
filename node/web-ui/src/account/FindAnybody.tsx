import {
  Button,
  Card,
  CloseButton,
  Combobox,
  Group,
  Stack,
  Text,
  TextInput,
  useCombobox,
  VisuallyHidden,
} from '@mantine/core';
import { IconMail, IconPhone, IconPlus, IconPresentation, IconUserSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SearchHit } from '../api/types';
import { DirectoryAway } from '../ui/DirectoryAway';
import { Face } from '../ui/Face';
import { FoundOption } from '../ui/FoundOption';
import { PresenceStatus } from '../ui/Status';
import { useFound } from '../ui/useFound';

interface Props {
  /** Missing where one may not call. */
  call?: (to: string) => Promise<void>;
  busy: boolean;
  /** Missing where one may not change one's address book. */
  add?: (hit: SearchHit) => void;
  /** Whether one may make conferences, and so invite to them. */
  invites?: boolean;
}

/** What else is in an address counts as part of it, and adds no other recipient. */
const mailTo = (address: string) => `mailto:${encodeURIComponent(address).replace('%40', '@')}`;

const keyOf = (hit: SearchHit) => `${hit.kind} ${hit.id}@${hit.server}`;

/**
 * Finds people, groups and conferences of all servers as one types. Enter calls who is selected at once; a click, or Shift+Enter,
 * shows who it is and what else can be done.
 */
export function FindAnybody({ call, busy, add, invites }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [chosen, choose] = useState<SearchHit | null>(null);
  const found = useFound(text);
  const box = useCombobox({ onDropdownClose: () => box.resetSelectedOption() });
  const { resetSelectedOption } = box;
  // Enter without Shift, which the list takes as a click.
  const enter = useRef(false);
  // What is selected is counted from the top: with other people in the list it would be somebody else.
  const listed = found.hits.map(keyOf).join('\n');
  useEffect(() => resetSelectedOption(), [listed, resetSelectedOption]);
  const clear = () => {
    setText('');
    choose(null);
    box.closeDropdown();
  };
  const submit = (key: string) => {
    const hit = found.hits.find((hit) => keyOf(hit) === key) ?? null;
    const calls = enter.current;
    enter.current = false;
    choose(hit);
    setText('');
    box.closeDropdown();
    if (calls && hit?.call && !busy) void call?.(hit.call);
  };
  const hint = t(call ? 'find.hint' : 'find.hintShow');
  return (
    <div style={{ flex: '1 1 260px', maxWidth: 420 }}>
      <Combobox store={box} onOptionSubmit={submit}>
        <Combobox.Target withExpandedAttribute>
          <TextInput
            role="combobox"
            aria-autocomplete="list"
            aria-label={t('find.label')}
            placeholder={t('find.label')}
            description={found.hits.length > 0 && <VisuallyHidden>{hint}</VisuallyHidden>}
            inputWrapperOrder={['input', 'description']}
            leftSection={<IconUserSearch size={16} aria-hidden />}
            rightSection={text && <CloseButton size="sm" aria-label={t('action.clear')} onClick={clear} />}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              box.openDropdown();
            }}
            onKeyDown={(event) => (enter.current = event.key === 'Enter' && !event.shiftKey)}
            onKeyUp={() => (enter.current = false)}
            onFocus={() => box.openDropdown()}
            onBlur={() => box.closeDropdown()}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={found.hits.length === 0 && !found.none}>
          <Combobox.Options mah={360} style={{ overflowY: 'auto' }} aria-label={t('find.label')}>
            {found.hits.map((hit) => (
              <Combobox.Option key={keyOf(hit)} value={keyOf(hit)}>
                <FoundOption hit={hit} />
              </Combobox.Option>
            ))}
            {found.none && <Combobox.Empty>{t('state.nothingFound')}</Combobox.Empty>}
          </Combobox.Options>
          {found.hits.length > 0 && (
            <Combobox.Footer aria-hidden visibleFrom="sm">
              <Text size="xs" c="dimmed">
                {hint}
              </Text>
            </Combobox.Footer>
          )}
        </Combobox.Dropdown>
      </Combobox>
      <VisuallyHidden role="status">
        {found.settled && !chosen && text && t('find.count', { count: found.hits.length })}
      </VisuallyHidden>
      <DirectoryAway missing={found.missing} />
      {chosen && (
        <Chosen
          key={keyOf(chosen)}
          hit={chosen}
          call={call}
          busy={busy}
          add={add}
          invites={invites}
          close={clear}
        />
      )}
    </div>
  );
}

/** Somebody who was chosen; to call or keep them is what Enter does next. */
function Chosen({ hit, call, busy, add, invites, close }: Props & { hit: SearchHit; close: () => void }) {
  const { t } = useTranslation();
  const name = hit.display_name || hit.id;
  const to = hit.call;
  const about = [hit.job_title, hit.department, hit.company].filter(Boolean).join(', ');
  return (
    <Card withBorder padding="sm" mt="xs" component="section" aria-label={name}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Face name={name} size={40} />
        <Stack gap={2} miw={0} flex={1}>
          <Text fw={600} truncate>
            {name}
          </Text>
          <Text size="xs" c="dimmed" truncate>
            {hit.id} · {hit.server}
          </Text>
          {about && <Text size="sm">{about}</Text>}
          {hit.email && <Text size="sm">{hit.email}</Text>}
          {hit.phones.length > 0 && <Text size="sm">{hit.phones.join(', ')}</Text>}
          {hit.presence ? (
            <PresenceStatus presence={hit.presence} />
          ) : (
            hit.kind === 'user' && (
              <Text size="sm" c="dimmed">
                {t('find.presenceUnknown')}
              </Text>
            )
          )}
        </Stack>
        <CloseButton aria-label={t('action.close')} onClick={close} />
      </Group>
      {(to || hit.email) && (
        <Group gap="xs" mt="sm">
          {to && call && (
            <Button
              autoFocus
              size="xs"
              leftSection={<IconPhone size={16} aria-hidden />}
              loading={busy}
              onClick={() => void call(to)}
            >
              {t(hit.kind === 'conference' ? 'find.enter' : 'find.call')}
            </Button>
          )}
          {to && add && (
            <Button
              autoFocus={!call}
              size="xs"
              variant="default"
              leftSection={<IconPlus size={16} aria-hidden />}
              onClick={() => add(hit)}
            >
              {t('contacts.add')}
            </Button>
          )}
          {to && invites && hit.kind === 'user' && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPresentation size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/meetings" search={{ create: true, invite: to }} {...props} />}
            >
              {t('find.invite')}
            </Button>
          )}
          {hit.email && (
            <Button
              component="a"
              href={mailTo(hit.email)}
              size="xs"
              variant="default"
              leftSection={<IconMail size={16} aria-hidden />}
            >
              {t('find.write')}
            </Button>
          )}
        </Group>
      )}
    </Card>
  );
}
