import {
  ActionIcon,
  Badge,
  Button,
  Card,
  FileButton,
  Group,
  Stack,
  Text,
  Title,
  Tooltip,
} from '@mantine/core';
import { IconFileCertificate, IconFileDownload, IconTrash, IconUpload } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type DragEvent } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import type { Licence, LicenceFile } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { save } from '../ui/download';
import { Facts } from '../ui/Facts';
import { tell, tellProblem } from '../ui/notify';
import { ErrorState } from '../ui/States';
import { Status } from '../ui/Status';
import { number, textOf, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import classes from './LicenceFiles.module.css';

const LARGEST = 64 * 1024;
const CONFIRMATION = 'PLENARY LICENCE CONFIRMATION';

/** The files that are installed, and how another one comes in. */
export function LicenceFiles({ licence }: { licence: Licence }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('licence.files')}>
      <Title order={2} size="h3" mb={4}>
        {t('licence.files')}
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        {t('licence.filesHint')}
      </Text>
      <Stack gap="sm">
        {licence.files.map((file) => (
          <File key={file.id} file={file} />
        ))}
        {mayChange && <Drop />}
      </Stack>
      <Text size="xs" c="dimmed" mt="md">
        {t('licence.pool', { pool: licence.pool })}
      </Text>
    </Card>
  );
}

function File({ file }: { file: LicenceFile }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const waits = file.idle?.code === 'licence-not-confirmed';
  const request = useMutation({
    mutationFn: () => calls.licenceRequest(file.id),
    onSuccess: ({ file: text }) => {
      save(new Blob([text], { type: 'text/plain' }), `plenary-request-${file.id.slice(0, 8)}.txt`);
      tell(t('licence.requestSaved'));
    },
    onError: tellProblem,
  });
  const seats = file.seats;
  return (
    <Card withBorder padding="md" component="article" aria-label={file.enterprise}>
      <Group justify="space-between" align="flex-start" gap="sm" wrap="nowrap">
        <Stack gap={4} style={{ flex: 1 }} miw={0}>
          <Group gap="xs">
            <Text fw={600}>{file.enterprise}</Text>
            {file.development && (
              <Badge color="yellow" variant="filled" size="sm">
                {t('licence.developmentMark')}
              </Badge>
            )}
          </Group>
          <Standing file={file} />
        </Stack>
        <Group gap={4} justify="flex-end">
          {waits && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconFileDownload size={14} />}
              loading={request.isPending}
              onClick={() => request.mutate()}
            >
              {t('licence.request')}
            </Button>
          )}
          {mayChange && (
            <Tooltip label={t('licence.remove')}>
              <ActionIcon
                variant="default"
                size="lg"
                aria-label={t('licence.removeOf', { name: file.enterprise })}
                onClick={() => setRemoving(true)}
              >
                <IconTrash size={16} />
              </ActionIcon>
            </Tooltip>
          )}
        </Group>
      </Group>
      <Facts
        facts={[
          [
            t('licence.seats'),
            t('licence.seatsOf', {
              pro: number(seats.pro),
              online: number(seats.online),
              guest: number(seats.guest),
              gateway: number(seats.gateway),
            }),
          ],
          [
            t('licence.kind'),
            `${textOf(`admin:licence.term.${file.term}`, file.term)} · ${textOf(`admin:licence.edition.${file.edition}`, file.edition)}`,
          ],
          [t('licence.servers'), file.servers?.join(', ') ?? t('licence.anyServer')],
          [
            t('licence.extensions'),
            file.extensions.map((one) => textOf(`admin:licence.extension.${one}`, one)).join(', '),
          ],
          [t('licence.contact'), file.contact],
          [t('licence.id'), file.id],
        ]}
      />
      <Confirm
        opened={removing}
        close={() => setRemoving(false)}
        title={t('licence.removeTitle', { name: file.enterprise })}
        verb={t('licence.remove')}
        act={async () => {
          await calls.removeLicence(file.id);
          await cache.invalidateQueries({ queryKey: ['licensing'] });
          tell(t('licence.removed'));
        }}
      >
        {t('licence.removeText')}
      </Confirm>
    </Card>
  );
}

/** Whether it counts, and until when. */
function Standing({ file }: { file: LicenceFile }) {
  const { t } = useAdminText();
  const until = file.valid_until;
  if (file.idle) {
    return (
      <Status tone={file.idle.code === 'licence-not-confirmed' ? 'warn' : 'bad'}>
        {textOf(`problem.${file.idle.code}`, file.idle.detail)}
      </Status>
    );
  }
  if (!until) return <Status tone="good">{t('licence.counts')}</Status>;
  const tone = file.warning ? (file.warning === 'within30_days' ? 'warn' : 'bad') : 'good';
  return (
    <Status tone={tone}>
      {t('licence.countsUntil')} <Time at={until} />
    </Status>
  );
}

/** A licence, or what the vendor answered to a request, by dropping or choosing the file. */
function Drop() {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [over, setOver] = useState(false);
  const install = useMutation({
    mutationFn: async (file: File) => {
      if (file.size > LARGEST) throw new Problem('licence-too-large', 413);
      const text = await file.text();
      const confirms = text.includes(CONFIRMATION);
      if (confirms) await calls.confirmLicence(text);
      else await calls.installLicence(text);
      return confirms;
    },
    onSuccess: async (confirms) => {
      tell(t(confirms ? 'licence.confirmed' : 'licence.installed'));
      await cache.invalidateQueries({ queryKey: ['licensing'] });
    },
  });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) install.mutate(file);
  };
  return (
    <Stack gap="sm">
      <div
        className={classes.drop}
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <IconFileCertificate size={28} aria-hidden />
        <Text size="sm" ta="center">
          {t('licence.drop')}
        </Text>
        <FileButton onChange={(file) => file && install.mutate(file)}>
          {(props) => (
            <Button {...props} leftSection={<IconUpload size={16} />} loading={install.isPending}>
              {t('licence.choose')}
            </Button>
          )}
        </FileButton>
      </div>
      {install.error && <ErrorState error={install.error} />}
    </Stack>
  );
}
