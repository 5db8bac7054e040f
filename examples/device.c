/*
 * A device in C, with libmosquitto (Debian: libmosquitto-dev).
 *
 *   cc examples/device.c -lmosquitto -o device
 *   TOKEN=... TOPIC=... ./device
 */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value != NULL ? value : otherwise;
}

static void on_connect(struct mosquitto *client, void *topic, int code) {
  if (code == 0) {
    mosquitto_subscribe(client, NULL, topic, 1);
  } else {
    /* 4 and 5: the token has ended, or was revoked. Ask for another one. */
    fprintf(stderr, "%s\n", mosquitto_connack_string(code));
    mosquitto_disconnect(client);
  }
}

static void on_message(struct mosquitto *client, void *topic, const struct mosquitto_message *message) {
  (void)client, (void)topic;
  printf("%.*s\n", message->payloadlen, (const char *)message->payload);
  fflush(stdout);
}

int main(void) {
  const char *topic = setting("TOPIC", "");
  mosquitto_lib_init();
  /* Not a clean session: what is sent while the device is away waits. */
  struct mosquitto *client = mosquitto_new("phone-1", false, (void *)topic);
  if (client == NULL) return 1;
  mosquitto_username_pw_set(client, "device", setting("TOKEN", ""));
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_message_callback_set(client, on_message);
  /* Comes back after 1 s, 2 s, and so on up to a minute. */
  mosquitto_reconnect_delay_set(client, 1, 60, true);

  int result = mosquitto_connect(client, setting("MQTT_HOST", "127.0.0.1"), atoi(setting("MQTT_PORT", "1883")), 60);
  if (result == MOSQ_ERR_SUCCESS) result = mosquitto_loop_forever(client, -1, 1);
  if (result != MOSQ_ERR_SUCCESS) fprintf(stderr, "%s\n", mosquitto_strerror(result));

  mosquitto_destroy(client);
  mosquitto_lib_cleanup();
  return result == MOSQ_ERR_SUCCESS ? 0 : 1;
}
