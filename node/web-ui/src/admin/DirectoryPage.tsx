import {
  Alert,
  Button,
  Card,
  Checkbox,
  CopyButton,
  Group,
  MultiSelect,
  Radio,
  Stack,
  Table,
  TagsInput,
  Text,
  Textarea,
  Title,
} from '@mantine/core';
import {
  IconAlertTriangle,
  IconCopy,
  IconKey,
  IconPlugConnected,
  IconPlugConnectedX,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Directory, DirectoryKey, DirectoryShare } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/States';
import { Status } from '../ui/Status';
import { fieldErrors, number, textOf, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import { directoryTone, FIELDS, keyOf, KINDS, type ShownKey } from './directory';

/** The Directory, in which people of all servers of the enterprise find each other. */
export function DirectoryPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const { data, error, refetch } = useQuery(queries.directory());
  return (
    <Page title={t('common:nav.directory')} purpose={t('directory.purpose')}>
      {error && <ErrorState error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={4} />}
      {data && (
        <Stack gap="md" maw={760}>
          {data.stage === 'off' ? (
            <Off mayChange={mayChange} />
          ) : (
            <State directory={data} mayChange={mayChange} />
          )}
          {data.stage === 'on' && mayChange && <Key directory={data} />}
          {data.stage === 'on' && <Shown share={data.share} revision={data.revision} readOnly={!mayChange} />}
          {data.servers.length > 0 && <Servers directory={data} />}
        </Stack>
      )}
    </Page>
  );
}

function Section({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <Card withBorder padding="lg" component="section" aria-label={title}>
      <Title order={2} size="h3" mb={4}>
        {title}
      </Title>
      {hint && (
        <Text size="sm" c="dimmed" mb="md">
          {hint}
        </Text>
      )}
      {children}
    </Card>
  );
}

function useActivate() {
  const { t } = useAdminText();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (addresses: string[]) => calls.activateDirectory(addresses),
    onSuccess: async () => {
      tell(t('directory.activated'));
      await cache.invalidateQueries({ queryKey: ['settings'] });
    },
  });
}

function Off({ mayChange }: { mayChange: boolean }) {
  const { t } = useAdminText();
  const [addresses, setAddresses] = useState<string[]>([]);
  const activate = useActivate();
  return (
    <Section title={t('directory.off')} hint={t('directory.offHint')}>
      {mayChange && (
        <Stack
          component="form"
          gap="sm"
          onSubmit={(event) => {
            event.preventDefault();
            activate.mutate(addresses);
          }}
        >
          <TagsInput
            label={t('directory.addresses')}
            description={t('directory.addressesHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            error={activate.error && fieldErrors(activate.error).addresses}
            acceptValueOnBlur
            splitChars={[',', ' ', ';']}
            maxTags={16}
            value={addresses}
            onChange={setAddresses}
          />
          {activate.error && !fieldErrors(activate.error).addresses && <ErrorState error={activate.error} />}
          <Group>
            <Button
              type="submit"
              disabled={addresses.length === 0}
              loading={activate.isPending}
              leftSection={<IconPlugConnected size={16} aria-hidden />}
            >
              {t('directory.activate')}
            </Button>
          </Group>
        </Stack>
      )}
    </Section>
  );
}

function State({ directory, mayChange }: { directory: Directory; mayChange: boolean }) {
  const { t } = useAdminText();
  const [leaving, setLeaving] = useState(false);
  return (
    <Section title={t('directory.state')}>
      <Stack gap="md">
        <div role="status">
          <Status tone={directoryTone(directory)}>
            {t(
              directory.stage === 'leaving'
                ? 'directory.leaving'
                : directory.connected
                  ? 'directory.connected'
                  : 'directory.notConnected',
            )}
          </Status>
        </div>
        {directory.trouble && (
          <Alert color="yellow" icon={<IconAlertTriangle />} title={t('directory.trouble')}>
            {directory.trouble.code
              ? textOf(`admin:directory.code.${directory.trouble.code}`, directory.trouble.detail)
              : t('directory.unreached', { detail: directory.trouble.detail })}
          </Alert>
        )}
        {directory.left_out && (
          <Alert color="yellow" icon={<IconAlertTriangle />} title={t('directory.leftOut')}>
            {t('directory.leftOutText', {
              count: directory.left_out.entries,
              last: directory.left_out.last,
            })}
          </Alert>
        )}
        <Facts
          facts={[
            [t('directory.name'), directory.name ?? ''],
            [t('directory.addresses'), directory.addresses.join(', ')],
            [t('directory.since'), directory.since ? <Time key="since" at={directory.since} /> : ''],
            [t('directory.servers'), directory.servers.length > 0 ? number(directory.servers.length) : ''],
          ]}
        />
        {mayChange && (
          <Group>
            <Button
              variant="default"
              leftSection={<IconPlugConnectedX size={16} aria-hidden />}
              onClick={() => setLeaving(true)}
            >
              {t('directory.deactivate')}
            </Button>
          </Group>
        )}
      </Stack>
      <Deactivate opened={leaving} close={() => setLeaving(false)} forced={directory.stage === 'leaving'} />
    </Section>
  );
}

function Deactivate({ opened, close, forced }: { opened: boolean; close: () => void; forced: boolean }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [atOnce, setAtOnce] = useState(false);
  return (
    <Confirm
      opened={opened}
      close={close}
      title={t('directory.deactivateTitle')}
      verb={t('directory.deactivate')}
      act={async () => {
        await calls.deactivateDirectory(forced || atOnce);
        await cache.invalidateQueries({ queryKey: ['settings'] });
        tell(t('directory.deactivated'));
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{t(forced ? 'directory.deactivateForced' : 'directory.deactivateText')}</Text>
        {!forced && (
          <Checkbox
            label={t('directory.atOnce')}
            description={t('directory.atOnceHint')}
            checked={atOnce}
            onChange={(event) => setAtOnce(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Confirm>
  );
}

/** The key is shown when it is asked for only: whoever has it can say to be this server's administrator. */
function Key({ directory }: { directory: Directory }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [shown, setShown] = useState<ShownKey>();
  // Which key it is, is asked after it: a page that shows another one shows none.
  const take = async (key: Promise<DirectoryKey>) => {
    const made = await key;
    const now = await calls.directory();
    setShown({ key: made.key, since: now.since });
    cache.setQueryData(queries.directory().queryKey, now);
  };
  const show = useMutation({ mutationFn: () => take(calls.directoryKey()) });
  const [asking, ask] = useState(false);
  const key = keyOf(shown, directory);
  const error = show.error;
  return (
    <Section title={t('directory.key')} hint={t('directory.keyHint')}>
      <Stack gap="sm">
        {key && (
          <Textarea
            aria-label={t('directory.key')}
            readOnly
            autosize
            minRows={3}
            maxRows={8}
            styles={{ input: { fontFamily: 'monospace', overflowWrap: 'anywhere' } }}
            value={key}
            onFocus={(event) => event.currentTarget.select()}
          />
        )}
        {error && <ErrorState error={error} />}
        <Group>
          {key ? (
            <CopyButton value={key} timeout={2_000}>
              {({ copied, copy }) => (
                <Button leftSection={<IconCopy size={16} aria-hidden />} onClick={copy}>
                  {t(copied ? 'directory.copied' : 'directory.copy')}
                </Button>
              )}
            </CopyButton>
          ) : (
            <Button
              leftSection={<IconKey size={16} aria-hidden />}
              loading={show.isPending}
              onClick={() => show.mutate()}
            >
              {t('directory.showKey')}
            </Button>
          )}
          <Button variant="default" onClick={() => ask(true)}>
            {t('directory.newKey')}
          </Button>
        </Group>
      </Stack>
      <Confirm
        opened={asking}
        close={() => ask(false)}
        title={t('directory.newKeyTitle')}
        verb={t('directory.newKey')}
        act={async () => {
          const { addresses } = await calls.directory();
          await take(calls.activateDirectory(addresses));
        }}
      >
        <Text size="sm">{t('directory.newKeyText')}</Text>
      </Confirm>
    </Section>
  );
}

function Shown({
  share,
  revision,
  readOnly,
}: {
  share: DirectoryShare;
  revision: string;
  readOnly: boolean;
}) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  // What somebody has begun to change stays, whatever others change meanwhile; it is saved on top of what was there then.
  const [begun, begin] = useState<{ share: DirectoryShare; revision: string }>();
  const draft = begun?.share ?? share;
  const setDraft = (share: DirectoryShare) => begin({ share, revision: begun?.revision ?? revision });
  const isOld = begun !== undefined && begun.revision !== revision;
  const groups = useQuery(queries.allGroups());
  const save = useMutation({
    mutationFn: () => calls.updateDirectory({ share: draft }, begun?.revision ?? revision),
    onSuccess: async (saved) => {
      cache.setQueryData(queries.directory().queryKey, saved);
      begin(undefined);
      tell(t('directory.saved'));
      await cache.invalidateQueries({ queryKey: ['settings'] });
    },
  });
  const discard = () => {
    save.reset();
    begin(undefined);
  };
  const rows = groups.data ?? [];
  const known = rows.map((group) => ({ value: group.id, label: group.name }));
  const missing = [...(draft.groups ?? []), ...draft.hidden].filter(
    (id) => !rows.some((row) => row.id === id),
  );
  const options = [...known, ...[...new Set(missing)].map((id) => ({ value: id, label: id }))];
  return (
    <Section title={t('directory.share')} hint={t('directory.shareHint')}>
      <Stack gap="md">
        <Checkbox.Group
          label={t('directory.kinds')}
          value={draft.kinds}
          onChange={(kinds) => setDraft({ ...draft, kinds: kinds as DirectoryShare['kinds'] })}
        >
          <Group gap="lg" mt={6}>
            {KINDS.map((kind) => (
              <Checkbox key={kind} value={kind} disabled={readOnly} label={t(`directory.kind.${kind}`)} />
            ))}
          </Group>
        </Checkbox.Group>
        <Radio.Group
          label={t('directory.whose')}
          value={draft.groups === null ? 'all' : 'only'}
          onChange={(which) => setDraft({ ...draft, groups: which === 'all' ? null : [] })}
        >
          <Stack gap={6} mt={6}>
            <Radio value="all" disabled={readOnly} label={t('directory.allGroups')} />
            <Radio value="only" disabled={readOnly} label={t('directory.onlyGroups')} />
          </Stack>
        </Radio.Group>
        {draft.groups !== null && (
          <MultiSelect
            label={t('directory.groups')}
            data={options}
            searchable
            readOnly={readOnly}
            value={draft.groups}
            onChange={(groups) => setDraft({ ...draft, groups })}
          />
        )}
        <MultiSelect
          label={t('directory.hidden')}
          description={t('directory.hiddenHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          data={options}
          searchable
          readOnly={readOnly}
          value={draft.hidden}
          onChange={(hidden) => setDraft({ ...draft, hidden })}
        />
        <Checkbox.Group
          label={t('directory.fields')}
          description={t('directory.fieldsHint')}
          value={draft.fields}
          onChange={(fields) => setDraft({ ...draft, fields: fields as DirectoryShare['fields'] })}
        >
          <Group gap="lg" mt={6}>
            {FIELDS.map((field) => (
              <Checkbox key={field} value={field} disabled={readOnly} label={t(`directory.field.${field}`)} />
            ))}
          </Group>
        </Checkbox.Group>
        <div role="status">{isOld && <Text size="sm">{t('directory.changedMeanwhile')}</Text>}</div>
        {save.error && <ErrorState error={save.error} />}
        {!readOnly && (
          <Group>
            <Button loading={save.isPending} disabled={!begun || isOld} onClick={() => save.mutate()}>
              {t('common:action.save')}
            </Button>
            {begun && (
              <Button variant="default" onClick={discard}>
                {t('directory.discard')}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Section>
  );
}

function Servers({ directory }: { directory: Directory }) {
  const { t } = useAdminText();
  return (
    <Section title={t('directory.allServers')}>
      <Table aria-label={t('directory.allServers')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('directory.server')}</Table.Th>
            <Table.Th>{t('directory.state')}</Table.Th>
            <Table.Th ta="right">{t('directory.entries')}</Table.Th>
            <Table.Th>{t('directory.changedAt')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {directory.servers.map((row) => (
            <Table.Tr key={row.server}>
              <Table.Th scope="row" fw={400} style={{ overflowWrap: 'anywhere' }}>
                {row.server}
              </Table.Th>
              <Table.Td>
                <Status tone={row.connected ? 'good' : 'warn'}>
                  {t(row.connected ? 'directory.connected' : 'directory.silent')}
                </Status>
              </Table.Td>
              <Table.Td ta="right">{number(row.entries)}</Table.Td>
              <Table.Td>{row.changed_at ? <Time at={row.changed_at} /> : t('directory.never')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
