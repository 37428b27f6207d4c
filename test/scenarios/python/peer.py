"""A service in another language, as its own client library has it: produces and consumes parcels.

Reads one JSON object from stdin: {"do": "produce" | "consume", "brokers", "registry", "topic", "schema", "parcels", "count"}.
Writes one JSON array to stdout. Longs are texts and bytes are hex there, so that nothing is lost on the way.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parcel_of(told):
    tags = {name: int(value) for name, value in told["tags"].items()}
    at = EPOCH + timedelta(milliseconds=int(told["at"]))
    return {**told, "big": int(told["big"]), "blob": bytes.fromhex(told["blob"]), "tags": tags, "at": at}


def told_of(parcel):
    tags = {name: str(value) for name, value in parcel["tags"].items()}
    at = str((parcel["at"] - EPOCH) // timedelta(milliseconds=1))
    return {**parcel, "big": str(parcel["big"]), "blob": parcel["blob"].hex(), "tags": tags, "at": at}


def produce(asked, registry):
    # The schema is registered by whoever owns the topic, never by a service that runs.
    settings = {"auto.register.schemas": False, "use.latest.version": True}
    serialize = AvroSerializer(registry, asked["schema"], lambda parcel, _: parcel, settings)
    # librdkafka's own default is another one, by which an entity would be in two partitions.
    producer = Producer({"bootstrap.servers": asked["brokers"], "partitioner": "murmur2_random"})
    field = SerializationContext(asked["topic"], MessageField.VALUE)
    written = []

    def delivered(error, message):
        if error is not None:
            raise RuntimeError(str(error))
        written.append({"key": message.key().decode(), "partition": message.partition()})

    for told in asked["parcels"]:
        headers = told.pop("headers", None)
        value = serialize(parcel_of(told), field)
        producer.produce(asked["topic"], key=told["id"].encode(), value=value, headers=headers, on_delivery=delivered)
    if producer.flush(30) > 0:
        raise RuntimeError("not everything was written")
    return written


def consume(asked, registry):
    deserialize = AvroDeserializer(registry, asked["schema"])
    consumer = Consumer({"bootstrap.servers": asked["brokers"], "group.id": "unused", "enable.auto.commit": False})
    partitions = consumer.list_topics(asked["topic"], 10).topics[asked["topic"]].partitions
    consumer.assign([TopicPartition(asked["topic"], partition, OFFSET_BEGINNING) for partition in partitions])
    field = SerializationContext(asked["topic"], MessageField.VALUE)
    found = []
    while len(found) < asked["count"]:
        message = consumer.poll(20)
        if message is None:
            raise RuntimeError("only %d messages came" % len(found))
        if message.error():
            raise RuntimeError(str(message.error()))
        parcel = deserialize(message.value(), field)
        headers = {name: value.decode() for name, value in message.headers() or []}
        place = {"key": message.key().decode(), "partition": message.partition(), "headers": headers}
        found.append({**place, "parcel": parcel and told_of(parcel)})
    consumer.close()
    return found


asked = json.load(sys.stdin)
registry = SchemaRegistryClient({"url": asked["registry"]})
json.dump({"produce": produce, "consume": consume}[asked["do"]](asked, registry), sys.stdout)
