import { Alert, Button, Group, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Conference } from '../api/types';
import { CidField } from '../conferences/CidField';
import { bareErrors } from '../conferences/ConferenceForm';
import { patchOf, valuesOf, type ConferenceValues } from '../conferences/conferenceDraft';
import { ErrorState, Loading } from '../ui/States';
import { problemText, useAdminText } from '../ui/text';
import { useMeeting, useMeetingText } from './context';

/** Gives the conference another ID while people meet; all who are in follow. */
export function ChangeId({ done }: { done: () => void }) {
  const { room } = useMeeting();
  const found = useQuery(queries.conference(room.cid));
  if (found.data) return <Change conference={found.data} done={done} />;
  if (found.error) return <ErrorState error={found.error} retry={() => void found.refetch()} />;
  return <Loading rows={3} />;
}

function Change({ conference, done }: { conference: Conference; done: () => void }) {
  const { t } = useMeetingText();
  const { t: admin } = useAdminText();
  const cache = useQueryClient();
  const [before] = useState(() => valuesOf(conference));
  const form = useForm<ConferenceValues>({
    initialValues: { ...before, id_by: 'made_up' },
    validate: {
      cid: (value, { id_by }) => (id_by !== 'own' || value.trim() ? null : admin('conferences.cidMissing')),
    },
  });
  const save = useMutation({
    mutationFn: async (values: ConferenceValues) => {
      const patch = patchOf(values, before);
      // Of the conference as it is: nothing else of it is changed here.
      if (patch) await calls.updateConference(conference.cid, patch);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['conferences'] });
      done();
    },
    onError: (error) => form.setErrors(bareErrors(error)),
  });
  return (
    <form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack gap="md">
        {save.error && (
          <Alert color="red" role="alert">
            {problemText(save.error)}
          </Alert>
        )}
        <CidField form={form} isNew={false} touch={() => undefined} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={done}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending} disabled={form.values.id_by === 'stays'}>
            {t('changeId.action')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
