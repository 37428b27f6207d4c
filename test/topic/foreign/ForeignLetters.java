// Writes letters.json with the frameworks' own classes, which pom.xml names:
// mvn -q dependency:copy-dependencies && javac -cp 'target/dependency/*' -d target ForeignLetters.java
// java -cp 'target:target/dependency/*' org.apache.kafka.connect.runtime.errors.ForeignLetters > letters.json
package org.apache.kafka.connect.runtime.errors;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.util.ConnectorTaskId;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.test.TestRecord;
import org.springframework.kafka.core.*;
import org.springframework.kafka.listener.*;
import org.springframework.kafka.retrytopic.*;

public class ForeignLetters {
  static final long TIME = 1700000000123L;
  static final byte[] KEY = {0, 1, (byte) 255};
  static final byte[] VALUE = {0, 0, 0, 0, 7, 42};

  public static void main(String[] args) throws Exception {
    Map<String, ProducerRecord<byte[], byte[]>> letters = new LinkedHashMap<>();
    letters.put("Spring Kafka", spring(source("orders", 2, 5000000000L)));
    letters.put("Spring Kafka, retry topics", springRetryTopics());
    letters.put("Kafka Streams", streams());
    letters.put("Kafka Connect", connect());
    String separator = "{\n";
    for (var letter : letters.entrySet()) {
      System.out.print(separator + "  \"" + letter.getKey() + "\": " + json(letter.getValue()));
      separator = ",\n";
    }
    System.out.println("\n}");
  }

  static ConsumerRecord<byte[], byte[]> source(String topic, int partition, long offset) {
    RecordHeaders headers = new RecordHeaders();
    headers.add("ce_id", "m1".getBytes());
    headers.add("odd", null);
    headers.add("odd", new byte[] {(byte) 255});
    return new ConsumerRecord<>(
        topic, partition, offset, TIME, TimestampType.CREATE_TIME, KEY.length, VALUE.length, KEY, VALUE, headers, Optional.empty());
  }

  static final List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();

  static KafkaTemplate<byte[], byte[]> template() {
    return new KafkaTemplate<>(
        new DefaultKafkaProducerFactory<byte[], byte[]>(Map.of()) {
          @Override
          public Producer<byte[], byte[]> createProducer() {
            return new MockProducer<byte[], byte[]>(true, null, new ByteArraySerializer(), new ByteArraySerializer()) {
              @Override
              public java.util.concurrent.Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
                sent.add(record);
                return super.send(record, callback);
              }
            };
          }
        });
  }

  static ProducerRecord<byte[], byte[]> last() {
    return sent.get(sent.size() - 1);
  }

  static Exception failure() {
    return new ListenerExecutionFailedException("Listener failed", "billing", new IllegalStateException("no such order"));
  }

  static ProducerRecord<byte[], byte[]> spring(ConsumerRecord<byte[], byte[]> record) {
    DeadLetterPublishingRecoverer recoverer = new DeadLetterPublishingRecoverer(template());
    recoverer.setVerifyPartition(false);
    recoverer.accept(record, failure());
    return last();
  }

  /** Fails on its topic, then on the retry topic, and ends in the DLT. */
  static ProducerRecord<byte[], byte[]> springRetryTopics() {
    ConsumerRecord<byte[], byte[]> record = source("orders", 2, 5000000000L);
    for (String to : List.of("orders-retry-0", "orders-dlt")) {
      DestinationTopicResolver resolver =
          (DestinationTopicResolver)
              java.lang.reflect.Proxy.newProxyInstance(
                  ForeignLetters.class.getClassLoader(),
                  new Class<?>[] {DestinationTopicResolver.class},
                  (proxy, method, arguments) -> method.getReturnType() == DestinationTopic.class ? destination(to) : null);
      DeadLetterPublishingRecovererFactory factory = new DeadLetterPublishingRecovererFactory(resolver);
      factory.setDeadLetterPublishingRecovererCustomizer(one -> one.setVerifyPartition(false));
      factory.create("listener").accept(record, failure());
      ProducerRecord<byte[], byte[]> copy = last();
      record =
          new ConsumerRecord<>(
              copy.topic(), copy.partition(), 3L, TIME + 1000, TimestampType.CREATE_TIME, KEY.length, VALUE.length, copy.key(), copy.value(),
              copy.headers(), Optional.empty());
    }
    return last();
  }

  /** Neither the type nor its constants are public. */
  static Object enumOf(Class<?> type, String name) {
    return Arrays.stream(type.getEnumConstants()).filter(one -> one.toString().equals(name)).findFirst().get();
  }

  static DestinationTopic destination(String name) {
    try {
      Class<?> types = Class.forName("org.springframework.kafka.retrytopic.DestinationTopic$Type");
      Object type = enumOf(types, name.endsWith("-dlt") ? "DLT" : "RETRY");
      java.util.function.BiPredicate<Integer, Throwable> always = (attempt, error) -> true;
      for (Constructor<?> one : DestinationTopic.Properties.class.getConstructors())
        if (one.getParameterCount() == 9)
          return new DestinationTopic(
              name,
              (DestinationTopic.Properties)
                  one.newInstance(1000L, "-x", type, 4, 3, DltStrategy.FAIL_ON_ERROR, template(), always, -1L));
      throw new IllegalStateException();
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException(error);
    }
  }

  static ProducerRecord<byte[], byte[]> streams() {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream("orders", Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .mapValues((ValueMapper<byte[], byte[]>) value -> { throw new IllegalStateException("no such order"); })
        .to("out", Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "billing");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
    settings.put(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, "orders-streams-dlq");
    settings.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueProcessingExceptionHandler.class);
    try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), settings)) {
      RecordHeaders headers = new RecordHeaders(source("orders", 0, 0).headers());
      driver.createInputTopic("orders", new ByteArraySerializer(), new ByteArraySerializer()).pipeInput(new TestRecord<>(KEY, VALUE, headers, TIME));
      TestRecord<byte[], byte[]> dead =
          driver.createOutputTopic("orders-streams-dlq", new ByteArrayDeserializer(), new ByteArrayDeserializer()).readRecord();
      return new ProducerRecord<>("orders-streams-dlq", null, dead.timestamp(), dead.key(), dead.value(), dead.headers());
    }
  }

  /** What DeadLetterQueueReporter.report sends; only its producer is left out. */
  static ProducerRecord<byte[], byte[]> connect() throws Exception {
    ConsumerRecord<byte[], byte[]> record = source("orders", 2, 5000000000L);
    ProcessingContext<ConsumerRecord<byte[], byte[]>> context = new ProcessingContext<>(record);
    context.currentContext(Stage.VALUE_CONVERTER, org.apache.kafka.connect.json.JsonConverter.class);
    context.error(new DataException("no such order"));
    ProducerRecord<byte[], byte[]> dead =
        new ProducerRecord<>("orders-connect-dlq", null, record.timestamp(), record.key(), record.value(), record.headers());
    Field unsafe = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe");
    unsafe.setAccessible(true);
    DeadLetterQueueReporter reporter =
        (DeadLetterQueueReporter) ((sun.misc.Unsafe) unsafe.get(null)).allocateInstance(DeadLetterQueueReporter.class);
    Field id = DeadLetterQueueReporter.class.getDeclaredField("connectorTaskId");
    id.setAccessible(true);
    id.set(reporter, new ConnectorTaskId("sink", 0));
    reporter.populateContextHeaders(dead, context);
    return dead;
  }

  static String json(ProducerRecord<byte[], byte[]> record) {
    StringJoiner headers = new StringJoiner(",\n      ", "[\n      ", "\n    ]");
    for (Header header : record.headers()) headers.add("[\"" + header.key() + "\", " + base64(header.value()) + "]");
    return "{\n    \"timestampMs\": " + record.timestamp() + ",\n    \"key\": " + base64(record.key()) + ",\n    \"value\": "
        + base64(record.value()) + ",\n    \"headers\": " + headers + "\n  }";
  }

  static String base64(byte[] bytes) {
    return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
  }
}
