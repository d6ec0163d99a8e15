import { Button, Group, TextInput } from '@mantine/core';
import { IconDoorEnter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { nodes } from '../api/nodes';
import { queries } from '../api/queries';
import { roomOf } from './roomOf';
import { whereTo } from './whereTo';

/** The way into a room whose ID one was told. */
export function JoinById({ label }: { label: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const own = useQuery(queries.server()).data?.name;
  const join = async () => {
    const cid = roomOf(typed, [own, ...nodes.all().map((url) => new URL(url).hostname)]);
    if (cid === null) return setWrong(t('join.wrong'));
    setAsking(true);
    const there = await whereTo(typed, cid);
    setAsking(false);
    if ('cid' in there) return navigate({ to: '/m/$cid', params: { cid: there.cid } });
    setWrong(there.person === null ? t('join.group') : t('join.person', { name: there.person || cid }));
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void join();
      }}
    >
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <TextInput
          label={label}
          description={t('join.hint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          style={{ flex: 1 }}
          value={typed}
          error={wrong}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setWrong(null);
          }}
        />
        <Button
          type="submit"
          variant="default"
          mt={25}
          loading={asking}
          leftSection={<IconDoorEnter size={18} aria-hidden />}
        >
          {t('join.action')}
        </Button>
      </Group>
    </form>
  );
}
