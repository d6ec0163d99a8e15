import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { Confirm } from '../ui/Confirm';
import { DeviceList } from '../ui/DeviceList';
import { tell, tellProblem } from '../ui/notify';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/States';

export function DevicesPage() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const devices = useQuery(queries.myDevices());
  const [asking, ask] = useDisclosure(false);
  const others = (devices.data ?? []).filter((device) => !device.current);
  const refresh = () => cache.invalidateQueries({ queryKey: ['sessions'] });
  const end = useMutation({
    mutationFn: (id: string) => calls.endMyDevice(id),
    onSuccess: async () => {
      await refresh();
      tell(t('devices.ended', { count: 1 }));
    },
    onError: tellProblem,
  });
  const endOthers = async () => {
    for (const device of others) await calls.endMyDevice(device.id);
    await refresh();
    tell(t('devices.ended', { count: others.length }));
  };
  const rows = [...(devices.data ?? [])].sort(
    (a, b) => Number(b.current) - Number(a.current) || b.created_at.localeCompare(a.created_at),
  );
  return (
    <Page
      narrow
      title={t('nav.devices')}
      purpose={t('devices.purpose')}
      action={
        others.length > 0 && (
          <Button variant="default" onClick={ask.open}>
            {t('devices.endOthers')}
          </Button>
        )
      }
    >
      {devices.error ? (
        <ErrorState error={devices.error} retry={() => void devices.refetch()} />
      ) : !devices.data ? (
        <Loading rows={3} height={64} />
      ) : (
        <DeviceList
          devices={rows}
          end={(device) => end.mutate(device.id)}
          ending={end.isPending ? end.variables : undefined}
        />
      )}
      <Confirm
        opened={asking}
        close={ask.close}
        title={t('devices.endOthers')}
        verb={t('devices.endOthersVerb')}
        act={endOthers}
      >
        {t('devices.endOthersText', { count: others.length })}
      </Confirm>
    </Page>
  );
}
