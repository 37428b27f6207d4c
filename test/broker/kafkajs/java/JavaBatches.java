// Writes batches.json with Kafka's own classes: java -cp "$HOME/.cache/spillway/kafka-4.3.1/*" JavaBatches.java > batches.json
import java.nio.ByteBuffer;
import java.util.Base64;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

public class JavaBatches {
  public static void main(String[] args) throws Exception {
    String separator = "{\n";
    for (String codec : new String[] {"gzip", "snappy", "lz4", "zstd"}) {
      MemoryRecordsBuilder builder =
          MemoryRecords.builder(
              ByteBuffer.allocate(1 << 20), (byte) 2, Compression.of(codec).build(), TimestampType.CREATE_TIME, 100L);
      for (int i = 0; i < 200; i++) builder.append(1700000000000L + i, ("key" + i).getBytes(), value(i).getBytes());
      ByteBuffer buffer = builder.build().buffer();
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      System.out.print(separator + "  \"" + codec + "\": \"" + Base64.getEncoder().encodeToString(bytes) + "\"");
      separator = ",\n";
    }
    System.out.println("\n}");
  }

  // Some 80 KB together: more than one block of snappy and lz4.
  static String value(int i) {
    StringBuilder text = new StringBuilder("record " + i + " ");
    while (text.length() < 400) text.append("abcdefghij".charAt((i * 7 + text.length()) % 10)).append(i % 13);
    return text.toString();
  }
}
