"""A service in another language, as its own client library has it: produces and consumes parcels.

Reads one JSON object from stdin: {"do": "produce" | "consume", "brokers", "registry", "topic", "schema", "parcels", "framing", "count"}.
Writes one JSON array to stdout. Longs and decimals are texts and bytes are hex there, so that nothing is lost on the way.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer, prefix_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.common.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parcel_of(told):
    tags = {name: int(value) for name, value in told["tags"].items()}
    at = EPOCH + timedelta(milliseconds=int(told["at"]))
    parcel = {**told, "big": int(told["big"]), "blob": bytes.fromhex(told["blob"]), "tags": tags, "at": at}
    exact = {name: Decimal(told[name]) for name in ("price", "weight")}
    # This library knows a uuid on string only: one of 16 bytes is these bytes.
    ids = {"code": bytes.fromhex(told["code"]), "trace": UUID(told["trace"]), "batch": UUID(told["batch"]).bytes}
    return {**parcel, **exact, **ids}


def told_of(parcel):
    tags = {name: str(value) for name, value in parcel["tags"].items()}
    at = str((parcel["at"] - EPOCH) // timedelta(milliseconds=1))
    told = {**parcel, "big": str(parcel["big"]), "blob": parcel["blob"].hex(), "tags": tags, "at": at}
    exact = {name: format(parcel[name], "f") for name in ("price", "weight")}
    ids = {"code": parcel["code"].hex(), "trace": str(parcel["trace"]), "batch": str(UUID(bytes=parcel["batch"]))}
    return {**told, **exact, **ids}


def framed_in_header(payload, context, schema_id):
    # A registry that gives no GUIDs (Apicurio 3.0) leaves the field empty: any will do, nobody here looks it up.
    guid = str(schema_id.guid or uuid4())
    return header_schema_id_serializer(payload, context, SchemaId(schema_id.schema_type, schema_id.id, guid))


FRAMINGS = {"prefix": prefix_schema_id_serializer, "header": framed_in_header}


def produce(asked, registry):
    # The schema is registered by whoever owns the topic, never by a service that runs.
    settings = {
        "auto.register.schemas": False,
        "use.latest.version": True,
        "schema.id.serializer": FRAMINGS[asked.get("framing", "prefix")],
    }
    serialize = AvroSerializer(registry, asked["schema"], lambda parcel, _: parcel, settings)
    # librdkafka's own default is another one, by which an entity would be in two partitions.
    producer = Producer({"bootstrap.servers": asked["brokers"], "partitioner": "murmur2_random"})
    written = []

    def delivered(error, message):
        if error is not None:
            raise RuntimeError(str(error))
        written.append({"key": message.key().decode(), "partition": message.partition()})

    for told in asked["parcels"]:
        headers = list(told.pop("headers", {}).items())
        value = serialize(parcel_of(told), SerializationContext(asked["topic"], MessageField.VALUE, headers))
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
